/** GET ?month=2026-01: the days of a month; with `&format=csv` as a file for a spreadsheet. */

import { usageDays } from '@/lib/ai/gateway';
import { Month } from '@/lib/ai/input';
import { csv } from '@/lib/ai/usage';
import { attachment } from '@/lib/answers';
import { checked } from '@/lib/bodies';
import { route } from '@/lib/route';

export const GET = route(async ({ caller, query, options }) => {
  const found = await usageDays(caller, checked(Month, query).month, options);
  if (query.format !== 'csv') return found;
  const headers = { 'content-type': 'text/csv; charset=utf-8', ...attachment(`usage-${found.month}.csv`) };
  return new Response(csv(found.days), { headers });
});
