/** The app's routes with the real gateway behind them: who may, what is refused and how, what is passed on. */

import { beforeEach, describe, expect, inject, test, vi } from 'vitest';
import * as artifact from '@/app/api/ai/artifacts/[id]/route';
import * as artifacts from '@/app/api/ai/artifacts/route';
import * as features from '@/app/api/ai/features/route';
import * as generate from '@/app/api/ai/generate-image/route';
import * as health from '@/app/api/ai/health/route';
import * as edit from '@/app/api/ai/image-to-image/route';
import * as read from '@/app/api/ai/image-to-text/route';
import * as limits from '@/app/api/ai/limits/route';
import * as models from '@/app/api/ai/models/route';
import * as transcribe from '@/app/api/ai/speech-to-text/route';
import * as speak from '@/app/api/ai/text-to-speech/route';
import * as days from '@/app/api/ai/usage/days/route';
import * as usage from '@/app/api/ai/usage/route';
import * as recording from '@/app/api/ai/voices/[id]/recording/route';
import * as voice from '@/app/api/ai/voices/[id]/route';
import * as voices from '@/app/api/ai/voices/route';
import * as signing from '@/app/api/session/route';
import type { ArtifactPage, Failure, OwnVoice, Pictures, Speech } from '@/lib/shapes';
import { type Handlers, send } from './browser';
import { admitted, aVoice, form, pieces, settled, someone } from './callers';
import { browser } from './next-headers';
import { says, standIn } from './stand-in';

const QUICK = { prompt: 'a red circle', num_inference_steps: 2 };
const EVERY: [string, Handlers, keyof Handlers][] = [
  ['generate-image', generate, 'POST'],
  ['image-to-image', edit, 'POST'],
  ['image-to-text', read, 'POST'],
  ['speech-to-text', transcribe, 'POST'],
  ['text-to-speech', speak, 'POST'],
  ['artifacts', artifacts, 'GET'],
  ['artifacts/[id]', artifact, 'GET'],
  ['artifacts/[id]', artifact, 'HEAD'],
  ['artifacts/[id]', artifact, 'DELETE'],
  ['features', features, 'GET'],
  ['health', health, 'GET'],
  ['limits', limits, 'GET'],
  ['models', models, 'GET'],
  ['usage', usage, 'GET'],
  ['usage/days', days, 'GET'],
  ['voices', voices, 'GET'],
  ['voices', voices, 'POST'],
  ['voices/[id]', voice, 'DELETE'],
  ['voices/[id]/recording', recording, 'GET'],
];

async function signedIn(name = someone('page').tenant): Promise<string> {
  expect((await send(signing, 'POST', { body: { tenant: name } })).status).toBe(200);
  return name;
}

async function failure(response: Response): Promise<Failure & { status: number }> {
  return { status: response.status, ...((await response.json()) as Failure) };
}

beforeEach(() => browser.forget());

describe('whoever is not signed in', () => {
  test.each(EVERY)('gets 401 from %s (%#)', async (_, handlers, method) => {
    const body = method === 'POST' ? { prompt: 'x' } : undefined;
    const told = await failure(await send(handlers, method, { body }));
    expect(told).toMatchObject({ status: 401, code: 'unauthenticated' });
  });

  test('is nobody', async () => {
    expect((await send(signing, 'GET')).status).toBe(401);
  });
});

describe('another site', () => {
  test.each([{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }])(
    'gets 403 (%o)',
    async (headers) => {
      await signedIn();
      expect(await failure(await send(generate, 'POST', { body: QUICK, headers }))).toMatchObject({
        status: 403,
      });
      expect((await send(artifact, 'DELETE', { params: { id: 'x' }, headers })).status).toBe(403);
      expect((await send(signing, 'POST', { body: { tenant: 'x' }, headers })).status).toBe(403);
    },
  );

  test('is told by its Origin in browsers that send nothing else', async () => {
    await signedIn();
    const from = (origin: string, more = {}) => {
      const request = new Request('http://app.test/', {
        method: 'DELETE',
        headers: { origin, host: 'app.test', ...more },
      });
      return signing.DELETE(request, { params: Promise.resolve({}) });
    };
    expect((await from('http://evil.test')).status).toBe(403);
    expect((await from('null')).status).toBe(403);
    expect((await from('http://app.test')).status).toBe(204);
    const proxied = { 'x-forwarded-host': 'shop.test:443, inner:3000' };
    expect((await from('https://shop.test', proxied)).status).toBe(204);
    expect((await from('https://inner:3000', proxied)).status).toBe(403);
  });

  test('cannot send a plain form in place of JSON', async () => {
    await signedIn();
    const headers = { 'content-type': 'text/plain' };
    expect(await failure(await send(generate, 'POST', { body: QUICK, headers }))).toMatchObject({
      status: 415,
      field: 'content-type',
    });
  });
});

describe('a bad request', () => {
  test.each([
    [{}, 'prompt'],
    [{ prompt: '  ' }, 'prompt'],
    [{ prompt: 'x', n: 9 }, 'n'],
    [{ prompt: 'x', size: 'big' }, 'size'],
    [{ prompt: 'x', promt: 'x' }, 'promt'],
    [{ prompt: 'x', style: 'no such style' }, 'style'],
    [[1], 'body'],
  ])('%o names its field', async (body, field) => {
    await signedIn();
    expect(await failure(await send(generate, 'POST', { body }))).toMatchObject({ status: 422, field });
  });

  test('in a form names it too, by the gateway', async () => {
    await signedIn();
    const body = form({ file: new File(['no picture'], 'x.png'), prompt: 'x', strength: '7' });
    expect(await failure(await send(edit, 'POST', { body }))).toMatchObject({
      status: 422,
      field: 'strength',
    });
    const noFile = await send(transcribe, 'POST', { body: form({ language: 'en' }) });
    expect(await failure(noFile)).toMatchObject({
      status: 422,
      field: 'audio',
      request_id: expect.any(String),
    });
  });

  test('that is too large is not even begun', async () => {
    await signedIn();
    const headers = { 'content-length': '200000000', 'content-type': 'multipart/form-data; boundary=x' };
    const request = new Request('http://app.test/', { method: 'POST', body: 'x', headers });
    expect(await failure(await edit.POST(request, { params: Promise.resolve({}) }))).toMatchObject({
      status: 413,
    });
  });

  test.each([
    ['by anyone', signing, 'application/json', 3e6],
    ['as JSON', generate, 'application/json', 3e6],
    ['as JSON, where a form may be', edit, 'application/json', 3e6],
    ['as a form', edit, 'multipart/form-data; boundary=x', 102e6],
    ['as a recording', transcribe, 'multipart/form-data; boundary=x', 102e6],
  ])('of no known length is read only so far: sent %s', async (_, { POST }, type, mostBytes) => {
    await signedIn();
    const gateway = await standIn(says(200, {}));
    vi.stubEnv('AI_GATEWAY_URL', gateway.url);
    const endless = pieces(400, { bytes: 1_000_000 });
    const headers = { 'content-type': type };
    const request = new Request('http://app.test/', {
      method: 'POST',
      body: endless.body,
      headers,
      duplex: 'half',
    } as RequestInit);
    const told = await failure(await POST(request, { params: Promise.resolve({}) }));
    expect(told).toMatchObject({ status: 413, field: 'body', error: expect.stringContaining('at most') });
    expect(endless.taken * 1_000_000).toBeLessThanOrEqual(mostBytes);
    expect(gateway.asked).toEqual([]);
  });

  test('of a month says how it must look', async () => {
    await signedIn();
    expect(await failure(await send(usage, 'GET', { path: '/?month=may' }))).toMatchObject({
      status: 422,
      field: 'month',
    });
  });
});

describe('what the gateway says', () => {
  test('is passed on: limits, request id, Retry-After', async () => {
    await signedIn('small-page');
    const made = await send(generate, 'POST', { body: QUICK });
    const { request_id } = (await made.json()) as Pictures;
    expect(made.headers.get('x-request-id')).toBe(request_id);
    expect(made.headers.get('ratelimit')).toContain('r=0');
    const refused = await send(generate, 'POST', { body: QUICK });
    const told = await failure(refused);
    expect(told).toMatchObject({ status: 429, code: 'rate_limited', request_id: expect.any(String) });
    expect(refused.headers.get('retry-after')).toBe(String(told.retry_after));
  });

  test('is of the last answer, where it was asked again', async () => {
    await signedIn();
    const busy = says(
      503,
      { error: 'Busy', code: 'overloaded' },
      { 'retry-after': '0', 'x-request-id': 'r1' },
    );
    const gateway = await standIn(busy, says(200, { limits: [] }, { 'x-ratelimit-limit': '5' }));
    vi.stubEnv('AI_GATEWAY_URL', gateway.url);
    const told = await send(limits, 'GET');
    const names = ['retry-after', 'x-request-id', 'x-ratelimit-limit'];
    expect([told.status, ...names.map((name) => told.headers.get(name))]).toEqual([200, null, null, '5']);
  });

  test('of a stream that fails on its way has the status that it would have had', async () => {
    await signedIn();
    const failure = { error: { message: 'A limit is used up', code: 'rate_limited' } };
    const event = `event: error\ndata: ${JSON.stringify(failure)}\n\n`;
    const gateway = await standIn(says(200, event, { 'content-type': 'text/event-stream' }));
    vi.stubEnv('AI_GATEWAY_URL', gateway.url);
    const told = await (await send(generate, 'POST', { body: { ...QUICK, stream: true } })).text();
    expect(JSON.parse(told.slice(6))).toMatchObject({ type: 'error', status: 429, code: 'rate_limited' });
  });

  test('is 503 with the remedy where a setting is missing', async () => {
    await signedIn();
    vi.stubEnv('USE_AI_GATEWAY', 'false');
    const told = await failure(await send(generate, 'POST', { body: QUICK }));
    expect(told).toMatchObject({
      status: 503,
      code: 'not_configured',
      error: expect.stringMatching(/^AI_PROVIDER_URL/),
    });
  });

  test('is 503 while it is away', async () => {
    await signedIn();
    vi.stubEnv('AI_GATEWAY_URL', 'http://127.0.0.1:9');
    expect(await failure(await send(health, 'GET'))).toMatchObject({ status: 503, code: 'unavailable' });
  });
});

describe('pictures', () => {
  test('are served to the one who is signed in, in parts, by their tag, and as a download', async () => {
    await signedIn();
    const made = (await (await send(generate, 'POST', { body: QUICK })).json()) as Pictures;
    const id = made.images[0]?.id ?? '';
    const whole = await send(artifact, 'GET', { params: { id } });
    expect([whole.status, whole.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect(whole.headers.get('vary')).toBe('Cookie');
    const length = String((await whole.arrayBuffer()).byteLength);
    const head = await send(artifact, 'HEAD', { params: { id } });
    expect([head.status, head.body, head.headers.get('etag')]).toEqual([
      200,
      null,
      whole.headers.get('etag'),
    ]);
    expect([whole, head].map(({ headers }) => headers.get('content-length'))).toEqual([length, length]);
    const part = await send(artifact, 'GET', { params: { id }, headers: { range: 'bytes=1-3' } });
    expect([part.status, await part.text()]).toEqual([206, 'PNG']);
    expect(part.headers.get('content-range')).toMatch(/^bytes 1-3\//);
    const headers = { 'if-none-match': whole.headers.get('etag') ?? '' };
    expect((await send(artifact, 'GET', { params: { id }, headers })).status).toBe(304);
    const kept = await send(artifact, 'GET', { params: { id }, path: '/?download=Übersicht "1".png' });
    expect(kept.headers.get('content-disposition')).toBe(
      `attachment; filename="-bersicht-1-.png"; filename*=UTF-8''%C3%9Cbersicht%20%221%22.png`,
    );

    const long = `/?download=${encodeURIComponent(`${'x'.repeat(99)}😀😀`)}`;
    const cut = await send(artifact, 'GET', { params: { id }, path: long });
    expect(cut.headers.get('content-disposition')).toMatch(/''x{99}%F0%9F%98%80$/);

    browser.forget();
    await signedIn();
    expect((await send(artifact, 'GET', { params: { id } })).status).toBe(404);
    expect((await send(artifact, 'DELETE', { params: { id } })).status).toBe(404);
    expect(((await (await send(artifacts, 'GET')).json()) as ArtifactPage).artifacts).toEqual([]);
  });

  test('come as events while they are made', async () => {
    await signedIn();
    const body = { ...QUICK, num_inference_steps: 5, stream: true };
    const response = await send(generate, 'POST', { body });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const events = (await response.text())
      .trim()
      .split('\n\n')
      .map((event) => JSON.parse(event.replace('data: ', '')));
    expect(events[0]).toMatchObject({ type: 'preview', steps: 5 });
    expect(events.at(-1)).toMatchObject({ type: 'done', request_id: response.headers.get('x-request-id') });
  });

  test('stop being made when the browser goes', async () => {
    const tenant = await signedIn();
    const leave = new AbortController();
    const asking = send(generate, 'POST', {
      body: { prompt: 'x', num_inference_steps: 150, n: 8 },
      signal: leave.signal,
    });
    void admitted({ tenant }).then(() => leave.abort());
    expect(await failure(await asking)).toMatchObject({ status: 499, code: 'cancelled' });
    expect(await settled({ tenant }, 'text-to-image', 1)).toEqual({ succeeded: 0, failed: 0, cancelled: 1 });
  });

  test('are made once, however often the browser repeats its key', async () => {
    const tenant = await signedIn();
    const headers = { 'idempotency-key': crypto.randomUUID() };
    const first = await send(generate, 'POST', { body: QUICK, headers });
    const second = await send(generate, 'POST', { body: QUICK, headers });
    expect(await second.json()).toEqual(await first.json());
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(await settled({ tenant }, 'text-to-image', 1)).toEqual({ succeeded: 1, failed: 0, cancelled: 0 });
  });

  test('are changed and read, from forms that stream through', async () => {
    await signedIn();
    const made = (await (await send(generate, 'POST', { body: QUICK })).json()) as Pictures;
    const file = new File(
      [await (await send(artifact, 'GET', { params: { id: made.images[0]?.id ?? '' } })).blob()],
      'p.png',
    );
    const changed = await send(edit, 'POST', {
      body: form({ file, prompt: 'a blue circle', num_inference_steps: '2' }),
    });
    expect(((await changed.json()) as Pictures).images).toHaveLength(1);
    const caption = await send(read, 'POST', { body: form({ file, task: 'caption' }) });
    expect(await caption.json()).toMatchObject({ caption: expect.any(String), pages: 1 });
  });
});

describe('speech, usage and the rest', () => {
  test('speech is kept, streamed, and written down', async () => {
    await signedIn();
    const body = { text: 'one two three' };
    const spoken = (await (await send(speak, 'POST', { body })).json()) as Speech;
    const streamed = await send(speak, 'POST', { body: { ...body, stream: true } });
    expect(streamed.headers.get('content-type')).toBe('audio/wav');
    expect((await streamed.arrayBuffer()).byteLength).toBeGreaterThan(1000);
    const file = new File(
      [await (await send(artifact, 'GET', { params: { id: spoken.id } })).blob()],
      's.wav',
    );
    expect(await (await send(transcribe, 'POST', { body: form({ file }) })).json()).toMatchObject({
      duration: spoken.duration,
    });
  });

  test('a month is told as JSON and as a table', async () => {
    const tenant = await signedIn();
    await send(speak, 'POST', { body: { text: 'yes' } });
    await settled({ tenant }, 'text-to-speech', 1);
    expect(await (await send(usage, 'GET')).json()).toMatchObject({ total: 1 });
    expect(await (await send(days, 'GET')).json()).toMatchObject({
      days: [{ service: 'text-to-speech', units: 3 }],
    });
    const table = await send(days, 'GET', { path: '/?format=csv' });
    expect(table.headers.get('content-disposition')).toMatch(/^attachment; filename="usage-\d{4}-\d\d.csv"/);
    expect((await table.text()).split('\r\n')).toEqual([
      'day,service,model,requests,failed,units,unit,cost',
      expect.stringMatching(/^\d{4}-\d\d-\d\d,text-to-speech,espeak-ng,1,0,3,characters,0$/),
      '',
    ]);
  });

  test('limits, models and health are told', async () => {
    await signedIn();
    expect(await (await send(limits, 'GET')).json()).toMatchObject({
      limits: expect.arrayContaining([expect.anything()]),
    });
    expect(await (await send(models, 'GET')).json()).toMatchObject({
      models: expect.arrayContaining([expect.anything()]),
    });
    expect(await (await send(health, 'GET')).json()).toMatchObject({ status: 'healthy' });
  });
});

describe('voices of one’s own', () => {
  test('are added, listed, heard and deleted by their tenant alone', async () => {
    const tenant = await signedIn();
    const body = await aVoice({ tenant });
    const answer = await send(voices, 'POST', { body });
    const added = (await answer.json()) as OwnVoice;
    expect([answer.status, added.name]).toEqual([201, 'Ann']);
    expect(await (await send(voices, 'GET')).json()).toEqual({ voices: [added], most: 20 });
    const params = { id: added.id };
    const sound = await send(recording, 'GET', { params });
    expect(sound.headers.get('content-type')).toBe('audio/wav');
    expect(
      Buffer.from(await sound.arrayBuffer())
        .subarray(0, 4)
        .toString(),
    ).toBe('RIFF');
    const headers = { 'sec-fetch-site': 'cross-site' };
    expect((await send(voice, 'DELETE', { params, headers })).status).toBe(403);
    expect((await send(voices, 'POST', { body, headers })).status).toBe(403);

    await signedIn();
    expect((await send(recording, 'GET', { params })).status).toBe(404);
    expect((await send(voice, 'DELETE', { params })).status).toBe(404);
    await signedIn(tenant);
    expect((await send(voice, 'DELETE', { params })).status).toBe(204);
    expect(await (await send(voices, 'GET')).json()).toEqual({ voices: [], most: 20 });
  });

  test.each([
    ['reference', { reference: new File(['no sound'], 'x.wav') }],
    ['consent', { consent: 'yes', reference: new File(['x'], 'x.wav') }],
    ['consent_at', { consent_at: '2999-01-01', reference: new File(['x'], 'x.wav') }],
    ['name', { name: 'alloy', reference: new File(['x'], 'x.wav') }],
  ])('that are refused name their %s', async (field, fields) => {
    const tenant = await signedIn();
    const body = await aVoice({ tenant }, fields);
    expect(await failure(await send(voices, 'POST', { body }))).toMatchObject({ status: 422, field });
  });
});

describe('signing in', () => {
  test('takes an API key, and the session is its tenant', async () => {
    const { key, someKey } = inject('gateway');
    const found = await (await send(signing, 'POST', { body: { api_key: key } })).json();
    expect(found).toEqual({ tenant: 'keyed', user: expect.stringMatching(/^key:/) });
    expect(await (await send(signing, 'GET')).json()).toEqual(found);
    expect((await send(usage, 'GET')).status).toBe(200);
    const every = {
      artifacts: true,
      deleting: true,
      usage: true,
      limits: true,
      voices: true,
      previews: true,
    };
    expect(await (await send(features, 'GET')).json()).toEqual({ services: expect.any(Array), ...every });
    await send(signing, 'POST', { body: { api_key: someKey } });
    const has = await (await send(features, 'GET')).json();
    expect(has).toMatchObject({
      services: ['text-to-speech'],
      artifacts: true,
      deleting: false,
      usage: false,
    });
    const spoken = (await (await send(speak, 'POST', { body: { text: 'yes' } })).json()) as Speech;
    expect((await send(artifact, 'GET', { params: { id: spoken.id } })).status).toBe(200);
    const kept = (await (await send(artifacts, 'GET')).json()) as ArtifactPage;
    expect(kept.artifacts.map(({ service }) => service)).toContain('text-to-speech');
    expect(await failure(await send(generate, 'POST', { body: QUICK }))).toMatchObject({ status: 403 });
    expect((await send(signing, 'DELETE')).status).toBe(204);
    expect((await send(usage, 'GET')).status).toBe(401);
  });

  test('refuses a key that is nobody’s, and names of tenants in production', async () => {
    const began = Date.now();
    for (const api_key of ['atl_wröng', 'atl_→', 'atl_a\nb', 'eyJhbGciOiJIUzI1NiJ9.e30.x']) {
      const odd = await failure(await send(signing, 'POST', { body: { api_key } }));
      expect(odd).toMatchObject({ status: 422, field: 'api_key' });
    }
    expect(Date.now() - began).toBeLessThan(5000);
    const wrong = await failure(await send(signing, 'POST', { body: { api_key: 'atl_wrong' } }));
    expect(wrong).toMatchObject({ status: 401, field: 'api_key' });
    vi.stubEnv('NODE_ENV', 'production');
    vi.stubEnv('SESSION_SECRET', 'x'.repeat(32));
    const named = await failure(await send(signing, 'POST', { body: { tenant: 'acme' } }));
    expect(named).toMatchObject({ status: 403, field: 'tenant' });
    vi.stubEnv('ATELIER_WEB_DEMO', 'true');
    expect((await send(signing, 'POST', { body: { tenant: 'acme' } })).status).toBe(200);
  });

  test('sets a cookie that scripts and other sites do not get, and that is sealed', async () => {
    await signedIn('acme');
    expect(browser.lastCookie).toMatchObject({ httpOnly: true, sameSite: 'lax', path: '/', secure: false });
    expect(String(browser.lastCookie.value)).not.toContain('acme');
    browser.speakHttps();
    await signedIn('acme');
    expect(browser.lastCookie).toMatchObject({ secure: true });
  });

  test('ends after an hour, and with another secret', async () => {
    vi.stubEnv('SESSION_SECRET', 'the first secret of the app, long enough');
    await signedIn();
    vi.useFakeTimers({ now: Date.now() + 3_570_000, toFake: ['Date'] }); // half a minute before
    expect((await send(signing, 'GET')).status).toBe(200);
    vi.setSystemTime(Date.now() + 32_000);
    expect((await send(signing, 'GET')).status).toBe(401);
    vi.useRealTimers();
    vi.stubEnv('SESSION_SECRET', 'the second secret of the app, as long');
    expect((await send(signing, 'GET')).status).toBe(401);
  });

  test('wants a secret in production', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    const told = await failure(await send(signing, 'GET'));
    expect(told).toMatchObject({ status: 503, error: expect.stringMatching(/^SESSION_SECRET: is not set/) });
    vi.stubEnv('SESSION_SECRET', 'short');
    expect(await failure(await send(signing, 'GET'))).toMatchObject({
      error: expect.stringContaining('fewer than 32'),
    });
  });
});
