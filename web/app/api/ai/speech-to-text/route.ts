/** POST: what a recording (a form's `file`) says, and when. */

import { speechToText } from '@/lib/ai/gateway';
import { formOf } from '@/lib/bodies';
import { route } from '@/lib/route';

export const POST = route(async ({ request, caller, options }) =>
  speechToText(caller, formOf(request), options),
);
