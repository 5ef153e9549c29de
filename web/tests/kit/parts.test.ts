/** The small parts: tokens, tables and deadlines. */

import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { describe, expect, test } from 'vitest';
import { Deadline, pause } from '@/lib/ai/deadline';
import { Cancelled } from '@/lib/ai/errors';
import { retrySeconds } from '@/lib/ai/refusal';
import { TOKEN_SECONDS, tokenFor } from '@/lib/ai/token';
import { csv } from '@/lib/ai/usage';

const settings = { url: 'http://x', secret: 'x'.repeat(32), seconds: 1 };

describe('a token', () => {
  test('is short-lived, signed, and says whose request it is and no more', async () => {
    const token = await tokenFor({ tenant: 'acme', user: 'ann' }, settings);
    const { payload } = await jwtVerify(token, new TextEncoder().encode(settings.secret), {
      algorithms: ['HS256'],
    });
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'HS256', typ: 'JWT' });
    expect(payload).toEqual({
      tenantId: 'acme',
      sub: 'ann',
      iat: expect.any(Number),
      exp: expect.any(Number),
    });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(TOKEN_SECONDS);
    expect(TOKEN_SECONDS).toBeLessThanOrEqual(120);
  });

  test('says which services, issuer and audience where there are some', async () => {
    const told = { ...settings, issuer: 'shop', audience: 'atelier' };
    const token = await tokenFor({ tenant: 'acme', services: ['text-to-image'] }, told);
    expect(decodeJwt(token)).toMatchObject({ services: ['text-to-image'], iss: 'shop', aud: 'atelier' });
  });
});

test('a table holds names with commas and quotes, and never formulas', () => {
  const day = {
    day: '2026-01-31',
    service: 'text-to-image',
    requests: 1,
    failed: 0,
    units: 2.5,
    unit: 'images',
    cost: 0,
  } as const;
  const rows = csv([
    { ...day, model: 'a "b", c' },
    { ...day, model: '=1+1' },
  ]).split('\r\n');
  expect(rows[1]).toBe('2026-01-31,text-to-image,"a ""b"", c",1,0,2.5,images,0');
  expect(rows[2]).toContain(",'=1+1,");
});

test('Retry-After is read as seconds and as a date', () => {
  const seconds = (value: string) => retrySeconds(new Headers({ 'retry-after': value }));
  expect([seconds('7'), seconds('soon'), retrySeconds(new Headers())]).toEqual([7, undefined, undefined]);
  expect(seconds(new Date(Date.now() + 30_000).toUTCString())).toBeGreaterThan(27);
});

test('a deadline that was over before it began is over', async () => {
  const deadline = new Deadline(60, AbortSignal.abort());
  expect(deadline.signal.aborted).toBe(true);
  expect(deadline.problem(undefined)).toBeInstanceOf(Cancelled);
  deadline.end();
  await expect(pause(60, AbortSignal.abort())).rejects.toBeInstanceOf(Cancelled);
});
