/** Free ports on loopback. */

import { createServer } from 'node:net';

/** The gateway's port and the workers': ATELIER_PORT_OFFSET moves all of them. */
const ATELIER = [8000, 7860, 7861, 7862, 7863, 7864];

export async function freePort(): Promise<number> {
  for (;;) {
    const port = between(10_000, 30_000); // above 32768 the system gives ports to whoever connects somewhere
    if (await isFree(port)) return port;
  }
}

export async function freeOffset(): Promise<number> {
  for (;;) {
    const offset = between(1000, 24_000);
    const free = await Promise.all(ATELIER.map((port) => isFree(port + offset)));
    if (free.every(Boolean)) return offset;
  }
}

const between = (least: number, most: number) => least + Math.floor(Math.random() * (most - least));

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
