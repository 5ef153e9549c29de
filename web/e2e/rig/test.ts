/** The `test` of every spec: signed in, and failing where the browser's console shows an error. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test as base, expect, request } from '@playwright/test';
import type { Atelier } from './atelier.ts';
import type { Tenant } from './tenants.ts';

interface Rig {
  atelier: Atelier;
  keys: Record<Tenant, string>;
}

interface Options {
  /** Who is signed in; null: nobody. */
  tenant: Tenant | null;
  /** Console errors that belong to what is tested: Chromium logs every answer of 400 and more. */
  expected: RegExp[];
}

export const rig = JSON.parse(process.env.RIG ?? '{}') as Rig;

export const test = base.extend<Options>({
  tenant: ['acme', { option: true }],
  expected: [[], { option: true }],
  storageState: async ({ tenant, baseURL }, use) => {
    await use(tenant ? await signedIn(tenant, baseURL ?? '') : undefined);
  },
  page: async ({ page, expected }, use) => {
    const problems: string[] = [];
    const note = (text: string) => {
      if (!expected.some((pattern) => pattern.test(text))) problems.push(text);
    };
    page.on('console', (message) => message.type() === 'error' && note(message.text()));
    page.on('pageerror', (problem) => note(String(problem)));
    await use(page);
    expect(problems, 'errors in the console').toEqual([]);
  },
});

/** A file with the cookies of that tenant's session, made once. */
export async function signedIn(tenant: Tenant, baseURL: string): Promise<string> {
  const file = join(rig.atelier.home, `session-${tenant}.json`);
  if (existsSync(file)) return file;
  const context = await request.newContext({ baseURL, extraHTTPHeaders: { origin: baseURL } });
  const answer = await context.post('/api/session', { data: { api_key: rig.keys[tenant] } });
  expect(answer.ok(), await answer.text()).toBe(true);
  await context.storageState({ path: file });
  await context.dispose();
  return file;
}

export { expect };
