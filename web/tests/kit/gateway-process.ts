/** A real `atelier serve` with all five workers, for the whole run, in a folder and on ports of its own. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    gateway: { url: string; secret: string; key: string; someKey: string };
  }
}

const SECRET = 'the-secret-of-the-tests-of-the-web-kit!!';
const GATEWAY_PORT = 8000;
const WORKER_PORTS = [7860, 7861, 7862, 7863, 7864];
const START_SECONDS = 240;

/** Tenants with limits that a test can use up. */
const LIMITS = [
  { requests: 1, per: 'hour', tenant: 'small' },
  { requests: 1, per: 'hour', tenant: 'small-page' },
  { requests: 100_000, per: 'hour' },
];

/** As it is installed in the repository, or what ATELIER_COMMAND says. */
const [program = '', ...words] = (process.env.ATELIER_COMMAND ?? resolve('../.venv/bin/atelier')).split(' ');

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const home = mkdtempSync(join(tmpdir(), 'atelier-web-'));
  const offset = await freeOffset();
  const inherited = Object.entries(process.env).filter(([name]) => name.startsWith('ATELIER_'));
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...Object.fromEntries(inherited.map(([name]) => [name, undefined])),
    ATELIER_HOME: home,
    ATELIER_PORT_OFFSET: String(offset),
    ATELIER_LIMITS: JSON.stringify(LIMITS),
    JWT_SECRET: SECRET,
    OMP_NUM_THREADS: '1',
  };
  const log = openSync(join(home, 'printed.txt'), 'w');
  const served = spawn(program, [...words, 'serve'], { cwd: home, env, stdio: ['ignore', log, log] });
  const url = `http://127.0.0.1:${GATEWAY_PORT + offset}`;
  try {
    await untilHealthy(url, served);
    const made = (...more: string[]) =>
      execFileSync(program, [...words, 'keys', 'create', '--tenant', 'keyed', '--create-tenant', ...more], {
        env,
        cwd: home,
      })
        .toString()
        .trim();
    project.provide('gateway', {
      url,
      secret: SECRET,
      key: made(),
      someKey: made('--services', 'text-to-speech'),
    });
  } catch (problem) {
    console.error(readFileSync(join(home, 'printed.txt'), 'utf8'));
    await stop(served);
    throw problem;
  }
  return async () => {
    await stop(served);
    closeSync(log);
    rmSync(home, { recursive: true, force: true });
  };
}

async function untilHealthy(url: string, served: ChildProcess): Promise<void> {
  const end = Date.now() + START_SECONDS * 1000;
  for (;;) {
    const health = await fetch(`${url}/health`).catch(() => undefined);
    const said = (await health?.json()) as { status: string } | undefined;
    if (said?.status === 'healthy') return;
    if (served.exitCode !== null) throw new Error('the gateway ended before it was ready');
    if (Date.now() > end)
      throw new Error(`the gateway is ${said?.status ?? 'away'} after ${START_SECONDS} s`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

function stop(served: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (served.exitCode !== null) return resolve();
    served.once('exit', () => resolve());
    served.kill('SIGINT');
  });
}

/** A number that moves every port to a free one. */
async function freeOffset(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const offset = randomInt(1000, 24_000);
    const free = await Promise.all([GATEWAY_PORT, ...WORKER_PORTS].map((port) => isFree(port + offset)));
    if (free.every(Boolean)) return offset;
  }
  throw new Error('no free ports');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
