/** POST: what a picture (a form's `file`, or an `artifact`) shows, or the text in it. */

import { imageToText } from '@/lib/ai/gateway';
import { ReadingInput } from '@/lib/ai/input';
import { jsonOrForm } from '@/lib/bodies';
import { route } from '@/lib/route';

export const POST = route(async ({ request, caller, options }) =>
  imageToText(caller, await jsonOrForm(request, ReadingInput), options),
);
