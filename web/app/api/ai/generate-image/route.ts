/** POST: pictures from words; with `stream: true`, events while they are made. */

import { textToImage } from '@/lib/ai/gateway';
import { PictureInput } from '@/lib/ai/input';
import { picturesOrEvents } from '@/lib/answers';
import { jsonOf } from '@/lib/bodies';
import { route } from '@/lib/route';

export const POST = route(async ({ request, caller, options }) => {
  const input = await jsonOf(request, PictureInput);
  return picturesOrEvents(await textToImage(caller, input, options));
});
