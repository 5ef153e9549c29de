/** What seals the cookie: SESSION_SECRET, or in development a random one that is kept beside the build. */

import 'server-only';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { NotConfigured } from './ai/errors';

export const SESSION_COOKIE = 'atelier_session';
export const SESSION_SECONDS = 3600;

const SHORTEST = 32;
const KEPT_IN = '.next/cache/session-secret';

/** Throws NotConfigured. */
export function sessionSecret(): string {
  const secret = process.env.SESSION_SECRET?.trim();
  if (secret && secret.length >= SHORTEST) return secret;
  if (secret)
    throw new NotConfigured(`SESSION_SECRET: has fewer than ${SHORTEST} characters; set a longer one`);
  if (process.env.NODE_ENV === 'production') {
    throw new NotConfigured(
      `SESSION_SECRET: is not set; set it to ${SHORTEST} random characters or more, such as those of: openssl rand -hex 32`,
    );
  }
  return developmentSecret();
}

/** Kept, so that a restart signs nobody out. */
function developmentSecret(): string {
  const file = join(process.cwd(), KEPT_IN);
  try {
    return readFileSync(file, 'utf8');
  } catch {
    const secret = randomBytes(32).toString('hex');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, secret, { mode: 0o600, flag: 'wx' });
    return secret;
  }
}
