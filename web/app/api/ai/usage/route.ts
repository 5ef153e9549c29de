/** GET ?month=2026-01: what the month came to, by service. */

import { usage } from '@/lib/ai/gateway';
import { Month } from '@/lib/ai/input';
import { checked } from '@/lib/bodies';
import { route } from '@/lib/route';

export const GET = route(async ({ caller, query, options }) =>
  usage(caller, checked(Month, query).month, options),
);
