/** POST: a recording of a text; with `stream: true`, its bytes while it is spoken. */

import { textToSpeech } from '@/lib/ai/gateway';
import { SpeechInput } from '@/lib/ai/input';
import { jsonOf } from '@/lib/bodies';
import { route } from '@/lib/route';

export const POST = route(async ({ request, caller, options }) => {
  const spoken = await textToSpeech(caller, await jsonOf(request, SpeechInput), options);
  if (!('audio' in spoken)) return spoken;
  return new Response(spoken.audio, { headers: { 'content-type': spoken.media_type } });
});
