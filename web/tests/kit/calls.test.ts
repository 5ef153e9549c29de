/** What a call does when the other end is away, slow, full or broken: repeats, budgets, and one class for each. */

import { describe, expect, test, vi } from 'vitest';
import { ownerOf } from '@/lib/ai/atelier';
import {
  type AiError,
  Cancelled,
  Conflict,
  Forbidden,
  Internal,
  InvalidInput,
  NotConfigured,
  NotFound,
  RangeNotSatisfiable,
  RateLimited,
  TooLarge,
  TooSlow,
  Unauthenticated,
  Unavailable,
  UnsupportedMedia,
  UploadTooSlow,
  UpstreamFailed,
} from '@/lib/ai/errors';
import { artifactFile, health, imageToText, limits, models, textToImage } from '@/lib/ai/gateway';
import { pieces, slowUpload, someone, upload } from './callers';
import { type Reply, says, standIn } from './stand-in';

const MADE = {
  service: 'text-to-image',
  model: 'stand-in',
  usage: { units: 1 },
  warnings: [],
  request_id: 'r1',
  image_url: 'x',
  images: [
    {
      url: 'http://x/artifacts/01a208f3-de7d-7635-bdcf-952ecfdae0e5?expires=1',
      seed: 1,
      width: 8,
      height: 8,
    },
  ],
  revised_prompt: null,
};
const refusal = (code: string, more: object = {}) => ({
  error: `It is ${code}`,
  code,
  request_id: 'r9',
  ...more,
});
const INPUT = { prompt: 'a circle' };

async function replying(...replies: Reply[]) {
  const server = await standIn(...replies);
  vi.stubEnv('AI_GATEWAY_URL', server.url);
  return server;
}

describe('voices', () => {
  const LISTED = {
    data: [
      { id: 'plain', service: 'text-to-speech', services: ['text-to-speech'], voices: ['alloy'] },
      {
        id: 'cloner',
        service: 'text-to-speech',
        services: ['text-to-speech'],
        voices: ['alloy'],
        clones: true,
      },
    ],
  };

  test('of one’s own come first, with the models that can speak with them', async () => {
    const own = { id: 'v1', name: 'Ann', language: null, seconds: 7 };
    const { asked } = await replying(says(200, LISTED), says(200, { voices: [own], most: 20 }));
    const [plain, cloner] = await models(someone());
    expect(plain?.voices).toEqual([{ id: 'alloy' }]);
    expect(cloner?.voices).toEqual([{ id: 'v1', name: 'Ann' }, { id: 'alloy' }]);
    expect(asked.map(({ url }) => url)).toEqual(['/v1/models', '/api/voices']);
  });

  test('that may not be read leave the others', async () => {
    await replying(says(200, LISTED), says(403, refusal('forbidden')));
    expect((await models(someone()))[1]?.voices).toEqual([{ id: 'alloy' }]);
  });
});

describe('repeats', () => {
  test('come after Retry-After, with the same key and a fresh token, and give the answer', async () => {
    const busy = says(503, refusal('overloaded', { retry_after: 1 }), { 'retry-after': '1' });
    const { asked } = await replying(busy, says(200, MADE));
    const began = Date.now();
    const made = await textToImage(someone(), INPUT);
    expect(made.images[0]?.id).toBe('01a208f3-de7d-7635-bdcf-952ecfdae0e5');
    expect(Date.now() - began).toBeGreaterThanOrEqual(1000);
    expect(asked.map(({ body }) => JSON.parse(body))).toEqual([INPUT, INPUT]);
    const [first, second] = asked.map(({ headers }) => headers['idempotency-key']);
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect(second).toBe(first);
  });

  test('end with their budget: who has to wait longer is told how long', async () => {
    const { asked } = await replying(
      says(429, refusal('rate_limited', { retry_after: 60 }), { 'retry-after': '60' }),
    );
    await expect(textToImage(someone(), INPUT)).rejects.toMatchObject({
      name: 'RateLimited',
      retryAfter: 60,
    });
    expect(asked).toHaveLength(1);
    await expect(limits(someone(), { patience: 0 })).rejects.toBeInstanceOf(RateLimited);
    expect(asked).toHaveLength(2);
  });

  test('are three at most', async () => {
    const { asked } = await replying(says(502, refusal('upstream_failed')));
    await expect(models(someone())).rejects.toBeInstanceOf(UpstreamFailed);
    expect(asked).toHaveLength(4);
  });

  test('are not made of work that a service failed at', async () => {
    const { asked } = await replying(says(502, refusal('upstream_failed')));
    await expect(textToImage(someone(), INPUT)).rejects.toBeInstanceOf(UpstreamFailed);
    expect(asked).toHaveLength(1);
  });

  test('have the time of one request together', async () => {
    const failed = says(502, refusal('upstream_failed'));
    // The second answer comes 1.9 s after a pause of 0.25 s: in time for an attempt that has 2 s of its own.
    const { asked } = await replying(failed, async (response, request) => {
      await new Promise((resolve) => setTimeout(resolve, 1900));
      failed(response, request);
    });
    const began = Date.now();
    await expect(models(someone(), { seconds: 2 })).rejects.toBeInstanceOf(TooSlow);
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(asked).toHaveLength(2);
  });

  test('are not made of a form that streams through: it is gone', async () => {
    const { asked } = await replying(says(503, refusal('overloaded'), { 'retry-after': '0' }));
    const form = upload({ file: new File(['x'], 'x.png') });
    await expect(imageToText(someone(), form)).rejects.toBeInstanceOf(Unavailable);
    expect(asked).toHaveLength(1);
  });

  test('are not made of what would fail again', async () => {
    const { asked } = await replying(says(422, refusal('invalid_request', { field: 'prompt' })));
    await expect(textToImage(someone(), INPUT)).rejects.toMatchObject({ field: 'prompt', requestId: 'r9' });
    expect(asked).toHaveLength(1);
  });

  test('stop waiting when they are aborted', async () => {
    const { asked, begun } = await replying(says(503, refusal('overloaded'), { 'retry-after': '9' }));
    const abort = new AbortController();
    void begun.then(() => setTimeout(() => abort.abort(), 500)); // its answer has come by then
    await expect(textToImage(someone(), INPUT, { signal: abort.signal })).rejects.toBeInstanceOf(Cancelled);
    expect(asked).toHaveLength(1);
  });

  test('come after a connection that could not be made', async () => {
    vi.stubEnv('AI_GATEWAY_URL', 'http://127.0.0.1:9');
    await expect(health()).rejects.toMatchObject({ name: 'Unavailable', status: 503 });
  });
});

test('a form streams through, unchanged and not held back', async () => {
  const reading = { caption: 'a circle', ocr_text: null, ocr_lines: null, rotation: 0, pages: 1 };
  const { asked, begun } = await replying(says(200, { ...MADE, ...reading }));
  const { sent, ...form } = slowUpload(begun);
  expect((await imageToText(someone(), form)).caption).toBe('a circle');
  expect(asked[0]).toMatchObject({ body: sent, headers: { 'content-type': form.contentType } });
});

describe('time', () => {
  const READING = { ...MADE, caption: 'a circle', ocr_text: null, ocr_lines: null, rotation: 0, pages: 1 };
  const contentType = 'multipart/form-data; boundary=x';

  test('does not run out for an upload that goes on, however long', async () => {
    const { asked } = await replying(says(200, READING));
    const { body: form } = pieces(8, { bytes: 1000, milliseconds: 300 });
    const read = await imageToText(someone(), { form, contentType }, { seconds: 2 });
    expect(read.caption).toBe('a circle');
    expect(asked[0]?.body).toHaveLength(8000);
  });

  test('runs out for one that stands still, and for the answer after it', async () => {
    const { asked } = await replying(() => undefined);
    const began = Date.now();
    const still = { form: pieces(2, { bytes: 1000, milliseconds: 30_000 }).body, contentType };
    await expect(imageToText(someone(), still, { seconds: 0.4 })).rejects.toBeInstanceOf(TooSlow);
    const sent = { form: pieces(1, { bytes: 1000 }).body, contentType };
    await expect(imageToText(someone(), sent, { seconds: 0.4 })).rejects.toBeInstanceOf(TooSlow);
    expect(Date.now() - began).toBeLessThan(20_000);
    expect(asked).toHaveLength(1);
  });

  test('does not run while the answer waits for its reader', async () => {
    const bytes = 20_000_000;
    await replying((response) => {
      response.writeHead(200, { 'content-type': 'audio/wav', 'content-length': bytes });
      response.end(Buffer.alloc(bytes));
    });
    const file = await artifactFile(someone(), crypto.randomUUID(), {}, { seconds: 1.5 });
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const reader = file.body?.getReader();
    let read = (await reader?.read())?.value?.length ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 2000));
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      read += part.value.length;
    }
    expect(read).toBe(bytes);
  });
});

test('an upload that breaks off is told as that, not as an answer that is missing', async () => {
  const { begun } = await replying(says(200, MADE));
  const form = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(new Uint8Array(1000));
      await begun;
      controller.error(new Error('gone'));
    },
  });
  const sending = imageToText(someone(), { form, contentType: 'multipart/form-data; boundary=x' });
  await expect(sending).rejects.toMatchObject({ name: 'InvalidInput', field: 'body' });
});

test('what cannot be sent at all is neither repeated nor taken for a gateway that is away', async () => {
  const { asked } = await replying(says(200, {}));
  const began = Date.now();
  await expect(ownerOf('schlüssel→')).rejects.toBeInstanceOf(TypeError);
  expect(Date.now() - began).toBeLessThan(1500); // three repeats would wait for 1.75 s
  expect(asked).toEqual([]);
});

describe('every kind of failure', () => {
  const KINDS: [number, string, new (message: string) => AiError][] = [
    [401, 'unauthenticated', Unauthenticated],
    [403, 'licence_forbids', Forbidden],
    [404, 'not_found', NotFound],
    [408, 'upload_too_slow', UploadTooSlow],
    [409, 'idempotency_conflict', Conflict],
    [413, 'too_large', TooLarge],
    [415, 'unsupported_media_type', UnsupportedMedia],
    [416, 'range_not_satisfiable', RangeNotSatisfiable],
    [422, 'unreadable_media', InvalidInput],
    [429, 'rate_limited', RateLimited],
    [500, 'internal_error', Internal],
    [502, 'upstream_failed', UpstreamFailed],
    [503, 'model_missing', Unavailable],
    [504, 'too_slow', TooSlow],
  ];

  test.each(KINDS)('%i %s has a class of its own', async (status, code, Kind) => {
    await replying(
      says(status, refusal(code, { field: 'image' }), { 'retry-after': '7', 'x-request-id': 'r9' }),
    );
    const failed = models(someone(), { patience: 0 });
    await expect(failed).rejects.toBeInstanceOf(Kind);
    const problem = (await failed.catch((found: unknown) => found)) as AiError;
    expect(problem.failure()).toEqual({
      error: `It is ${code}`,
      code,
      field: 'image',
      retry_after: 7,
      request_id: 'r9',
    });
    expect([problem.status, problem.name]).toEqual([status, Kind.name]);
  });

  test("OpenAI's shape is read too", async () => {
    await replying(
      says(400, { error: { message: 'Too wide', type: 'x', param: 'size', code: 'invalid_request' } }),
    );
    await expect(models(someone())).rejects.toMatchObject({
      name: 'InvalidInput',
      field: 'size',
      message: 'Too wide',
    });
  });

  test('an answer without an explanation is still one', async () => {
    await replying(says(500, '<html>'));
    await expect(models(someone())).rejects.toMatchObject({
      name: 'Internal',
      message: expect.stringContaining('500'),
    });
    await replying(says(200, '<html>', { 'content-type': 'text/html' }));
    await expect(models(someone())).rejects.toMatchObject({ message: expect.stringContaining('text/html') });
  });

  test('a setting that is missing or wrong names itself', async () => {
    vi.stubEnv('JWT_SECRET', '');
    await expect(models(someone())).rejects.toMatchObject({
      name: 'NotConfigured',
      message: /^JWT_SECRET: is not set/,
    });
    vi.stubEnv('JWT_SECRET', 'short');
    await expect(models(someone())).rejects.toMatchObject({ message: /^JWT_SECRET: has fewer than 32/ });
    vi.stubEnv('JWT_SECRET', 'x'.repeat(32));
    vi.stubEnv('AI_GATEWAY_URL', 'localhost:8000');
    await expect(health()).rejects.toMatchObject({ message: /^AI_GATEWAY_URL: must be the address/ });
    await expect(health()).rejects.toBeInstanceOf(NotConfigured);
  });
});

describe('streams', () => {
  const preview = {
    type: 'image_generation.partial_image',
    b64_json: 'AAAA',
    output_format: 'png',
    step: 1,
    steps: 2,
  };
  const event = (data: object, name = 'message') => `event: ${name}\r\ndata: ${JSON.stringify(data)}\r\n\r\n`;

  function streaming(...pieces: (string | number)[]): Reply {
    return async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': 'r5' });
      response.flushHeaders();
      for (const piece of pieces) {
        if (typeof piece === 'string') response.write(piece);
        else await new Promise((resolve) => setTimeout(resolve, piece));
      }
      response.end();
    };
  }

  async function read(options = {}) {
    const { events } = await textToImage(someone(), { ...INPUT, stream: true }, options);
    const seen = [];
    for await (const found of events) seen.push(found);
    return seen;
  }

  test('are read in whatever pieces they come', async () => {
    const text =
      event(preview) + event({ ...preview, type: 'image_generation.completed', url: '/artifacts/x' });
    await replying(
      streaming(...[...text].flatMap((character, at) => (at % 40 ? [character] : [1, character]))),
    );
    expect((await read()).map(({ type }) => type)).toEqual(['preview', 'done']);
  });

  test('tell of a failure on the way', async () => {
    const failure = { error: { message: 'The model is gone', code: 'unavailable' } };
    await replying(streaming(event(preview), event(failure, 'error')));
    await expect(read()).rejects.toMatchObject({
      status: 503,
      message: 'The model is gone',
      requestId: 'r5',
    });
  });

  test('that break off are failures', async () => {
    await replying(streaming(event(preview)));
    await expect(read()).rejects.toBeInstanceOf(UpstreamFailed);
    const first = { ...preview, type: 'image_generation.completed', url: '/artifacts/x', images: 2 };
    await replying(streaming(event(first)));
    await expect(read()).rejects.toBeInstanceOf(UpstreamFailed);
    await replying(streaming(event(first), event(first)));
    expect(await read()).toMatchObject([{ type: 'done', images: [{}, {}] }]);
  });

  test('may last as long as something comes, and no longer', async () => {
    const coming = Array.from({ length: 6 }, () => [event(preview), 400]).flat();
    await replying(streaming(...coming, event(preview), 9000, event(preview)));
    const began = Date.now();
    await expect(read({ seconds: 1.8 })).rejects.toBeInstanceOf(TooSlow);
    expect(Date.now() - began).toBeGreaterThan(4000);
  });

  test('that nobody reads on are closed at the other end', async () => {
    const { asked } = await replying(streaming(event(preview), 30_000));
    const { events } = await textToImage(someone(), { ...INPUT, stream: true });
    for await (const _ of events) break;
    await asked[0]?.left;
  });
});
