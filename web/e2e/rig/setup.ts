/** Before the first test: Atelier, its tenants, and the app. After the last: nothing of them is left. */

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildApp, startApp } from './app.ts';
import { startAtelier, type } from './atelier.ts';
import { TENANTS } from './tenants.ts';

export default async function setup(): Promise<() => void> {
  const home = mkdtempSync(join(tmpdir(), 'atelier-web-'));
  const pids: number[] = [];
  const end = () => {
    for (const pid of pids) process.kill(pid, 'SIGTERM');
    rmSync(home, { recursive: true, force: true, maxRetries: 50, retryDelay: 200 });
  };
  try {
    const secret = randomBytes(32).toString('hex');
    const [atelier] = await Promise.all([startAtelier(home, secret), buildApp()]);
    pids.push(atelier.pid);
    const keys = TENANTS.map((tenant) => [
      tenant,
      type(atelier, 'keys', 'create', '--tenant', tenant, '--create-tenant'),
    ]);
    const app = await startApp(home, {
      AI_GATEWAY_URL: atelier.url,
      JWT_SECRET: secret,
      SESSION_SECRET: randomBytes(32).toString('hex'),
    });
    pids.push(app.pid);
    process.env.WEB_URL = app.url;
    process.env.RIG = JSON.stringify({ atelier, keys: Object.fromEntries(keys) });
    return end;
  } catch (problem) {
    end();
    throw problem;
  }
}
