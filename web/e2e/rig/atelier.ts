/** A real `atelier serve` with a data folder and ports of its own, and the command beside it. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { freeOffset } from './ports.ts';
import { until } from './until.ts';

const COMMAND = process.env.ATELIER_COMMAND ?? resolve(import.meta.dirname, '../../../.venv/bin/atelier');

/** `frugal` may make one picture an hour: its second is refused. */
const SETTINGS = `
[[limits]]
requests = 100000
per = "hour"

[[limits]]
requests = 1
per = "hour"
service = "text-to-image"
tenant = "frugal"
`;

export interface Atelier {
  url: string;
  home: string;
  /** Of the supervisor, which keeps the gateway and the workers running. */
  pid: number;
  environment: NodeJS.ProcessEnv;
}

export async function startAtelier(home: string, secret: string): Promise<Atelier> {
  writeFileSync(join(home, 'atelier.toml'), SETTINGS);
  const offset = await freeOffset();
  const environment: NodeJS.ProcessEnv = {
    ...withoutSettings(),
    ATELIER_HOME: home,
    ATELIER_CONFIG: join(home, 'atelier.toml'),
    ATELIER_PORT_OFFSET: String(offset),
    JWT_SECRET: secret,
    OMP_NUM_THREADS: '1',
  };
  const log = openSync(join(home, 'printed.txt'), 'w');
  const child = spawn(COMMAND, ['serve'], { env: environment, stdio: ['ignore', log, log] });
  const atelier = { url: `http://127.0.0.1:${8000 + offset}`, home, pid: child.pid ?? 0, environment };
  await until('every service is up', 180, () => isHealthy(atelier, child));
  return atelier;
}

/** What an operator types; returns what it prints. */
export function type(atelier: Atelier, ...words: string[]): string {
  return execFileSync(COMMAND, words, { env: atelier.environment, encoding: 'utf8', stdio: 'pipe' }).trim();
}

/** The gateway ends at once, and stays away until `bringBack`: who would start it again is held. */
export async function takeDown(atelier: Atelier): Promise<void> {
  process.kill(atelier.pid, 'SIGSTOP');
  process.kill(gatewayOf(atelier), 'SIGKILL');
  await until('the gateway is gone', 20, async () => !(await health(atelier)));
}

export async function bringBack(atelier: Atelier): Promise<void> {
  process.kill(atelier.pid, 'SIGCONT');
  await until('the gateway is back', 60, async () => (await health(atelier))?.status === 'healthy');
}

async function health(atelier: Atelier): Promise<{ status: string } | null> {
  const answer = await fetch(`${atelier.url}/health`).catch(() => null);
  return answer ? ((await answer.json()) as { status: string }) : null;
}

async function isHealthy(atelier: Atelier, child: ChildProcess): Promise<boolean> {
  if (child.exitCode !== null)
    throw new Error(`atelier serve: ${readFileSync(join(atelier.home, 'printed.txt'))}`);
  return (await health(atelier))?.status === 'healthy';
}

/** The child of the supervisor that runs the gateway. */
function gatewayOf(atelier: Atelier): number {
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const parent = readFileSync(`/proc/${entry}/stat`, 'utf8').split(') ')[1]?.split(' ')[1];
      const words = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0');
      if (Number(parent) === atelier.pid && words.includes('gateway')) return Number(entry);
    } catch {
      // that process has ended since the folder was listed
    }
  }
  throw new Error('the gateway does not run');
}

/** The environment without what would be settings of another Atelier. */
function withoutSettings(): NodeJS.ProcessEnv {
  const settings = /^(ATELIER_|JWT_|DATABASE_URL$|REDIS_URL$|MODEL_NAME$)/;
  const kept = Object.entries(process.env).filter(([name]) => !settings.test(name));
  return { NODE_ENV: 'production', ...Object.fromEntries(kept) };
}
