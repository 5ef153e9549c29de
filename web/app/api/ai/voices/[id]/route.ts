/** DELETE: a voice and its recording are gone. */

import { deleteVoice } from '@/lib/ai/gateway';
import { route } from '@/lib/route';

export const DELETE = route(async ({ caller, params, options }) => {
  await deleteVoice(caller, params.id ?? '', options);
  return new Response(null, { status: 204 });
});
