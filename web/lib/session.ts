/**
 * Who is signed in. The one file that an app with sign-in of its own replaces: `session()` has to say which tenant and
 * user a request is for, and everything else of the kit asks nothing more.
 *
 * Here it is a sealed cookie. It lasts an hour and is not prolonged: so long a revoked API key may still be used in a
 * browser that had signed in with it.
 */

import 'server-only';
import { getIronSession, type SessionOptions } from 'iron-session';
import { cookies, headers } from 'next/headers';
import { SESSION_COOKIE, SESSION_SECONDS, sessionSecret } from './session-secret';

/** `services`: what the caller may use; left out is everything. */
export interface Session {
  tenant: string;
  user: string;
  services?: string[];
}

interface Sealed {
  session?: Session;
  until?: number;
}

/** Null where nobody is signed in. */
export async function session(): Promise<Session | null> {
  const { session: found, until = 0 } = await sealed();
  return found && until > Date.now() ? found : null;
}

export async function signIn(found: Session): Promise<void> {
  const cookie = await sealed();
  cookie.session = found;
  cookie.until = Date.now() + SESSION_SECONDS * 1000;
  await cookie.save();
}

export async function signOut(): Promise<void> {
  (await sealed()).destroy();
}

async function sealed() {
  const secure = (await headers()).get('x-forwarded-proto')?.split(',')[0] === 'https';
  const options: SessionOptions = {
    cookieName: SESSION_COOKIE,
    password: sessionSecret(),
    ttl: SESSION_SECONDS,
    cookieOptions: { httpOnly: true, sameSite: 'lax', secure, path: '/' },
  };
  return getIronSession<Sealed>(await cookies(), options);
}
