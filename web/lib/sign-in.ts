/** The demo's sign-in: an API key of the gateway, or in development the name of a tenant. */

import 'server-only';
import { z } from 'zod';
import { ownerOf } from './ai/atelier';
import type { Options } from './ai/caller';
import { AiError, Forbidden, InvalidInput } from './ai/errors';
import type { Session } from './session';

const API_KEY = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(200)
  .regex(/^atl_[\x21-\x7e]*$/, 'is no API key: one begins with atl_ and has no spaces or accents');
const TENANT = z
  .string()
  .trim()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'must be letters, digits, dots, dashes and underscores');

export const Credentials = z.union([
  z.strictObject({ api_key: API_KEY }),
  z.strictObject({ tenant: TENANT }),
]);
export type Credentials = z.infer<typeof Credentials>;

/** Whether a tenant's name is enough: anyone could be anyone. */
export function takesNames(): boolean {
  return process.env.NODE_ENV !== 'production' || process.env.ATELIER_WEB_DEMO === 'true';
}

/** Throws AiError. */
export async function named(given: Credentials, options: Options): Promise<Session> {
  if ('tenant' in given) {
    if (!takesNames()) throw new Forbidden('tenant: sign in with an API key', { field: 'tenant' });
    return { tenant: given.tenant, user: given.tenant };
  }
  const found = await ownerOf(given.api_key, options).catch((problem: unknown) => {
    if (!(problem instanceof AiError) || problem.status !== 401) throw problem;
    throw new InvalidInput('api_key: the gateway does not know it, or it was revoked', {
      field: 'api_key',
      status: 401,
    });
  });
  return { tenant: found.tenant, user: found.user ?? found.tenant, services: found.services };
}
