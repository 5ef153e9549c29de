/** The production build of the app, as it is deployed, on a free port. */

import { execFile, spawn } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './ports.ts';
import { until } from './until.ts';

const WEB = resolve(import.meta.dirname, '../..');
const SERVER = join(WEB, '.next/standalone/server.js');

export interface App {
  url: string;
  pid: number;
}

/** BUILT=1 takes the build that is there. */
export async function buildApp(): Promise<void> {
  if (process.env.BUILT && existsSync(SERVER)) return;
  const environment = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' };
  await promisify(execFile)('npm', ['run', '--silent', 'build'], { cwd: WEB, env: environment });
}

export async function startApp(home: string, environment: Record<string, string>): Promise<App> {
  const port = await freePort();
  const log = openSync(join(home, 'app.txt'), 'w');
  const child = spawn(process.execPath, [SERVER], {
    cwd: WEB,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...environment, PORT: String(port), HOSTNAME: '127.0.0.1' },
  });
  const url = `http://localhost:${port}`;
  await until(`the app answers (${home}/app.txt)`, 30, async () => {
    if (child.exitCode !== null) throw new Error(`the app ended: see ${home}/app.txt`);
    return (await fetch(`${url}/sign-in`).catch(() => null)) !== null;
  });
  return { url, pid: child.pid ?? 0 };
}
