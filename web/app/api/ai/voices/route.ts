/** GET: the tenant's own voices. POST: one more, from a form with the recording and the consent. */

import { addVoice, ownVoices } from '@/lib/ai/gateway';
import { formOf } from '@/lib/bodies';
import { route } from '@/lib/route';

export const GET = route(async ({ caller, options }) => ownVoices(caller, options));

export const POST = route(async ({ request, caller, options }) =>
  Response.json(await addVoice(caller, formOf(request), options), { status: 201 }),
);
