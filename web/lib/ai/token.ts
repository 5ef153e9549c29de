/** The short-lived token that says to the gateway whose request it is. It never leaves the server. */

import 'server-only';
import { SignJWT } from 'jose';
import type { Caller } from './caller';
import type { GatewaySettings } from './settings';

/** Long enough for a request to arrive; what runs longer was admitted by then. */
export const TOKEN_SECONDS = 90;

export async function tokenFor(caller: Caller, settings: GatewaySettings): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const claims = { tenantId: caller.tenant, ...(caller.services && { services: caller.services }) };
  const token = new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt(now)
    .setExpirationTime(now + TOKEN_SECONDS);
  if (caller.user) token.setSubject(caller.user);
  if (settings.issuer) token.setIssuer(settings.issuer);
  if (settings.audience) token.setAudience(settings.audience);
  return token.sign(new TextEncoder().encode(settings.secret));
}
