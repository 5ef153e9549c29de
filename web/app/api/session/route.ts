/** The demo's sign-in. GET: who is signed in. POST {api_key}, or in development {tenant}. DELETE: sign out. */

import { Unauthenticated } from '@/lib/ai/errors';
import { jsonOf } from '@/lib/bodies';
import { openRoute } from '@/lib/route';
import { session, signIn, signOut } from '@/lib/session';
import { Credentials, named } from '@/lib/sign-in';

export const GET = openRoute(async () => {
  const found = await session();
  if (!found) throw new Unauthenticated('Sign in first');
  return found;
});

export const POST = openRoute(async ({ request, options }) => {
  const found = await named(await jsonOf(request, Credentials), options);
  await signIn(found);
  return found;
});

export const DELETE = openRoute(async () => {
  await signOut();
  return new Response(null, { status: 204 });
});
