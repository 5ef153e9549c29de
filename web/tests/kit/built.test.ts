/** The app as it is built: what reaches browsers, and what its server does over HTTP. Wants `npm run build` before. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { slowUpload } from './callers';
import { says, standIn } from './stand-in';

const BUILT = existsSync('.next/BUILD_ID');
const NEXT = 'node_modules/next/dist/bin/next';
const START_SECONDS = 60;

/** Names and addresses that only the server may know. */
const SERVERS_OWN =
  /JWT_SECRET|SESSION_SECRET|AI_GATEWAY_URL|USE_AI_GATEWAY|AI_PROVIDER_|127\.0\.0\.1:8000|tenantId|\/v1\/models|idempotency_conflict/;

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The built app, in front of a gateway; `stop` ends it. */
class App {
  #process?: ChildProcess;
  url = '';
  cookie = '';

  async start(gateway: string): Promise<this> {
    const port = await freePort();
    this.url = `http://127.0.0.1:${port}`;
    const env = {
      ...process.env,
      NODE_ENV: 'production' as const,
      NEXT_TELEMETRY_DISABLED: '1',
      AI_GATEWAY_URL: gateway,
      JWT_SECRET: inject('gateway').secret,
      SESSION_SECRET: 'a secret of the tests, of enough characters',
      ATELIER_WEB_DEMO: 'true',
    };
    this.#process = spawn(
      process.execPath,
      [NEXT, 'start', '--hostname', '127.0.0.1', '--port', String(port)],
      {
        env,
        stdio: 'ignore',
      },
    );
    const end = Date.now() + START_SECONDS * 1000;
    while (!(await fetch(`${this.url}/api/session`).catch(() => undefined))) {
      if (Date.now() > end) throw new Error('the app did not start');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const answer = await this.send('/api/session', {
      body: JSON.stringify({ tenant: `built-${process.pid}` }),
    });
    this.cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    return this;
  }

  send(path: string, init: RequestInit & { duplex?: 'half' } = {}): Promise<Response> {
    return fetch(this.url + path, {
      method: 'POST',
      redirect: 'manual',
      ...init,
      headers: {
        'content-type': 'application/json',
        'sec-fetch-site': 'same-origin',
        cookie: this.cookie,
        ...init.headers,
      },
    });
  }

  stop(): void {
    this.#process?.kill();
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });
}

describe.skipIf(!BUILT && !process.env.CI)('the built app', () => {
  const app = new App();

  beforeAll(async () => {
    await app.start(inject('gateway').url);
  }, 120_000);
  afterAll(() => app.stop());

  test('gives browsers no secret, no address of the gateway, and no code of the server', () => {
    const files = filesBelow('.next/static');
    expect(files.length).toBeGreaterThan(3);
    const found = files.filter((file) => SERVERS_OWN.test(readFileSync(file, 'utf8')));
    expect(found).toEqual([]);
    const server = filesBelow('.next/server').filter((file) => file.endsWith('.js'));
    expect(
      server.some((file) => SERVERS_OWN.test(readFileSync(file, 'utf8'))),
      'the search finds nothing anywhere',
    ).toBe(true);
  });

  test('leads who is not signed in to the page for it, and back', async () => {
    const page = await app.send('/dashboard/usage?month=2026-01', { method: 'GET', headers: { cookie: '' } });
    expect([page.status, page.headers.get('location')]).toEqual([
      307,
      expect.stringMatching(/\/sign-in\?next=%2Fdashboard%2Fusage%3Fmonth%3D2026-01$/),
    ]);
    expect((await app.send('/api/ai/usage', { method: 'GET', headers: { cookie: '' } })).status).toBe(401);
  });

  test('lets pages run its own scripts alone, by a nonce that is another each time', async () => {
    const nonces = [];
    for (let turn = 0; turn < 2; turn++) {
      const page = await app.send('/sign-in', { method: 'GET' });
      const policy = page.headers.get('content-security-policy') ?? '';
      const nonce = /script-src 'self' 'nonce-([^']+)' 'strict-dynamic';/.exec(policy)?.[1] ?? '';
      expect(policy).toContain("default-src 'self'; ");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe-eval');
      const scripts = (await page.text()).match(/<script[^>]*>/g) ?? [];
      expect(scripts.filter((script) => !script.includes(`nonce="${nonce}"`))).toEqual([]);
      expect(page.headers.get('x-content-type-options')).toBe('nosniff');
      nonces.push(nonce);
    }
    expect(new Set(nonces).size).toBe(2);
  });

  test('makes a picture, shows it on its way, and serves it', async () => {
    const body = JSON.stringify({ prompt: 'a red circle', num_inference_steps: 5, stream: true });
    const answer = await app.send('/api/ai/generate-image', { body });
    const events = (await answer.text())
      .trim()
      .split('\n\n')
      .map((event) => JSON.parse(event.slice(6)));
    expect(events[0].type).toBe('preview');
    const [{ url }] = events.at(-1).images;
    const picture = await app.send(url, { method: 'GET' });
    expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect((await app.send(url, { method: 'GET', headers: { cookie: '' } })).status).toBe(401);
    const bytes = String((await picture.arrayBuffer()).byteLength);
    const head = await app.send(url, { method: 'HEAD' });
    const part = await app.send(url, { method: 'GET', headers: { range: 'bytes=1-3' } });
    expect([picture, head, part].map(({ headers }) => headers.get('content-length'))).toEqual([
      bytes,
      bytes,
      '3',
    ]);
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect([part.status, await part.text()]).toEqual([206, 'PNG']);
    const foreign = { 'sec-fetch-site': 'cross-site' };
    expect((await app.send(url, { method: 'DELETE', headers: foreign })).status).toBe(403);
  });
});

describe.skipIf(!BUILT && !process.env.CI)('between a browser and the gateway', () => {
  const app = new App();
  afterAll(() => app.stop());

  test('uploads stream through, and who leaves is gone there too', async () => {
    const read = {
      model: 'm',
      warnings: [],
      request_id: 'r',
      caption: 'yes',
      ocr_text: null,
      ocr_lines: null,
    };
    const gateway = await standIn(says(200, { ...read, rotation: 0, pages: 1 }), () => undefined);
    await app.start(gateway.url);
    const { form, contentType, sent } = slowUpload(gateway.begun);
    const headers = { 'content-type': contentType };
    const answer = await app.send('/api/ai/image-to-text', { body: form, duplex: 'half', headers });
    expect(await answer.json()).toMatchObject({ caption: 'yes' });
    expect(gateway.asked[0]?.body).toBe(sent);

    const leave = new AbortController();
    const asking = app.send('/api/ai/generate-image', { body: '{"prompt":"x"}', signal: leave.signal });
    while (gateway.asked.length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    leave.abort();
    await expect(asking).rejects.toThrow();
    await gateway.asked[1]?.left;
  }, 120_000);
});
