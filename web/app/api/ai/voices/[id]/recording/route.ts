/** GET: the sound that a voice is learnt from. */

import { voiceRecording } from '@/lib/ai/gateway';
import { fileAnswer } from '@/lib/answers';
import { route } from '@/lib/route';

export const GET = route(async ({ caller, params, options }) =>
  fileAnswer(await voiceRecording(caller, params.id ?? '', options), {}),
);
