/** POST: pictures from a picture (a form's `file`, or an `artifact`) and words; with `stream: true`, events. */

import { imageToImage } from '@/lib/ai/gateway';
import { EditInput } from '@/lib/ai/input';
import { picturesOrEvents } from '@/lib/answers';
import { jsonOrForm } from '@/lib/bodies';
import { route } from '@/lib/route';

export const POST = route(async ({ request, caller, options }) => {
  const input = await jsonOrForm(request, EditInput);
  return picturesOrEvents(await imageToImage(caller, input, options));
});
