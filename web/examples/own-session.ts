/** lib/session.ts of an app with sign-in of its own: here a signed token in a cookie, with `sub` and `tenantId`. */

import 'server-only';
import { jwtVerify } from 'jose';
import { cookies } from 'next/headers';

/** `services`: what the caller may use; left out is everything. */
export interface Session {
  tenant: string;
  user: string;
  services?: string[];
}

/** Null where nobody is signed in. */
export async function session(): Promise<Session | null> {
  const token = (await cookies()).get('your-session')?.value;
  const secret = new TextEncoder().encode(process.env.YOUR_AUTH_SECRET);
  const checked = token && (await jwtVerify(token, secret, { algorithms: ['HS256'] }).catch(() => null));
  if (!checked) return null;
  const { sub, tenantId } = checked.payload;
  return sub && typeof tenantId === 'string' ? { tenant: tenantId, user: sub } : null;
}
