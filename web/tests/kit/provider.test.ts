/** USE_AI_GATEWAY=false: an OpenAI-compatible provider answers, or the app says what to set. */

import { pipeline } from 'node:stream/promises';
import { SignJWT } from 'jose';
import { beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { Cancelled, NotConfigured, TooSlow } from '@/lib/ai/errors';
import {
  artifacts,
  features,
  health,
  imageToImage,
  imageToText,
  limits,
  models,
  ownVoices,
  speechToText,
  textToImage,
  textToSpeech,
  usage,
} from '@/lib/ai/gateway';
import type { PictureStream } from '@/lib/ai/input';
import type { PictureEvent, Pictures } from '@/lib/shapes';
import { form, someone, upload } from './callers';
import { type Reply, says, standIn } from './stand-in';

const caller = someone();
const DATA = /^data:image\/png;base64,iVBOR/;

/** The gateway's own OpenAI face is the provider. */
beforeEach(async () => {
  const { url, secret } = inject('gateway');
  const key = new SignJWT({ tenantId: 'provided' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('10 min');
  vi.stubEnv('USE_AI_GATEWAY', 'false');
  vi.stubEnv('JWT_SECRET', '');
  vi.stubEnv('AI_PROVIDER_URL', `${url}/v1`);
  vi.stubEnv('AI_PROVIDER_KEY', await key.sign(new TextEncoder().encode(secret)));
  for (const name of ['IMAGE', 'SPEECH', 'TRANSCRIPTION', 'VISION']) {
    vi.stubEnv(`AI_PROVIDER_${name}_MODEL`, 'default');
  }
});

async function fileOf(url = ''): Promise<File> {
  return new File([await (await fetch(url)).blob()], 'file');
}

describe('the provider', () => {
  test('makes pictures, changes them and reads them', async () => {
    const made = await textToImage(caller, { prompt: 'a red circle', seed: 3 });
    expect(made.images).toEqual([
      { id: '', url: expect.stringMatching(DATA), seed: null, width: 64, height: 64 },
    ]);
    expect(made.warnings).toEqual(['seed: the provider does not take it']);
    const file = await fileOf(made.images[0]?.url);
    const changed = (await imageToImage(caller, upload({ file, prompt: 'a blue circle' }))) as Pictures;
    expect(changed.images[0]?.url).toMatch(DATA);
    const read = await imageToText(caller, upload({ file, task: 'caption' }));
    expect(read).toMatchObject({ caption: expect.stringMatching(/\w/), ocr_text: null });
  });

  test('shows pictures while they are made, where it is said that it can', async () => {
    vi.stubEnv('AI_PROVIDER_PREVIEWS', 'true');
    const { events } = await textToImage(caller, { prompt: 'a red circle', stream: true });
    const kinds = [];
    for await (const { type } of events) kinds.push(type);
    expect(kinds.at(-1)).toBe('done');
    expect(kinds).toContain('preview');
  });

  test('speaks and listens', async () => {
    const spoken = await textToSpeech(caller, { text: 'one two three', response_format: 'wav' });
    expect(spoken).toMatchObject({ id: '', url: expect.stringMatching(/^data:audio\/wav;base64,UklGR/) });
    const streamed = await textToSpeech(caller, { text: 'one two three', stream: true });
    expect(streamed.media_type).toContain('audio/mpeg');
    await streamed.audio.cancel();
    const file = await fileOf(spoken.url);
    const written = await speechToText(caller, form({ file, timestamps: 'word' }));
    expect(written.duration).toBeGreaterThan(0.3);
  });

  test('has the models that are set, and is as well as it answers', async () => {
    expect((await models(caller)).map(({ id, services }) => [id, services.length])).toEqual([
      ['default', 2],
      ['default', 1],
      ['default', 1],
      ['default', 1],
    ]);
    expect(Object.keys((await health()).services)).toHaveLength(5);
  });
});

describe('a provider of another make', () => {
  const PNG = Buffer.from('iVBORw0KGgo=', 'base64');
  const serves: Reply = (response) => {
    response.writeHead(200, { 'content-type': 'image/webp', 'x-request-id': 'not the one' });
    response.end(PNG);
  };
  const named = (url: string) => says(200, { data: [{ url }] }, { 'x-request-id': 'r1' });

  async function providing(...replies: Reply[]) {
    const server = await standIn(...replies);
    vi.stubEnv('AI_PROVIDER_URL', server.url);
    return server;
  }

  async function seen(made: PictureStream): Promise<PictureEvent[]> {
    const events = [];
    for await (const event of made.events) events.push(event);
    return events;
  }

  test('is sent nothing that it refuses, and its pictures end the stream at once', async () => {
    const { asked } = await providing(says(200, { data: [{ b64_json: PNG.toString('base64') }] }));
    const events = await seen(await textToImage(caller, { prompt: 'x', stream: true }));
    expect(events).toMatchObject([{ type: 'done', images: [{ id: '', url: expect.stringMatching(DATA) }] }]);
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({ model: 'default', prompt: 'x' });
    const file = new File([PNG], 'x.png', { type: 'image/png' });
    const change = upload({ file, prompt: 'x', stream: 'true' });
    expect(await seen((await imageToImage(caller, change)) as PictureStream)).toHaveLength(1);
    expect(asked[1]?.body).not.toMatch(/name="(stream|partial_images)"/);
  });

  test('numbers its previews, which stand for the steps that it does not tell', async () => {
    vi.stubEnv('AI_PROVIDER_PREVIEWS', 'true');
    const event = (data: object) =>
      `data: ${JSON.stringify({ b64_json: 'AAAA', output_format: 'png', ...data })}\n\n`;
    const partial = { type: 'image_generation.partial_image' };
    const text = [
      event({ ...partial, partial_image_index: 0 }),
      event({ ...partial, partial_image_index: 1 }),
      event({ type: 'image_generation.completed' }),
    ].join('');
    const { asked } = await providing(says(200, text, { 'content-type': 'text/event-stream' }));
    const events = await seen(await textToImage(caller, { prompt: 'x', stream: true }));
    expect(JSON.parse(asked[0]?.body ?? '')).toMatchObject({ stream: true, partial_images: 3 });
    expect(events.slice(0, 2)).toMatchObject([
      { step: 1, steps: 4 },
      { step: 2, steps: 4 },
    ]);
    expect(events[2]).toMatchObject({ type: 'done' });
  });

  test('may name the address of a picture, which is fetched', async () => {
    const files = await standIn(serves);
    await providing(named(`${files.url}/made.webp`));
    const answered: (string | null)[] = [];
    const onAnswer = (headers: Headers) => answered.push(headers.get('x-request-id'));
    const made = await textToImage(caller, { prompt: 'x' }, { onAnswer });
    expect(made.images[0]).toMatchObject({ id: '', url: `data:image/webp;base64,${PNG.toString('base64')}` });
    expect([answered, files.asked[0]?.headers.authorization]).toEqual([['r1'], undefined]);
  });

  test.each([
    ['nothing', ''],
    ['what is no address', 'file:///etc/passwd'],
  ])('that names %s has failed', async (_, url) => {
    await providing(named(url));
    const making = textToImage(caller, { prompt: 'x' });
    await expect(making).rejects.toMatchObject({
      status: 502,
      message: expect.stringContaining('without a picture'),
    });
  });

  test('whose picture is gone, too large, slow or away has failed', async () => {
    const making = async (reply: Reply, options = {}) => {
      await providing(named(`${(await standIn(reply)).url}/made.png`));
      return textToImage(caller, { prompt: 'x' }, options);
    };
    await expect(making(says(404, 'no'))).rejects.toMatchObject({ status: 502 });
    let sent = 0;
    async function* megabytes() {
      for (; sent < 400; sent++) yield Buffer.alloc(1_000_000);
    }
    const endless: Reply = async (response) => {
      response.writeHead(200, { 'content-type': 'image/png' });
      await pipeline(megabytes, response).catch(() => undefined);
    };
    await expect(making(endless)).rejects.toMatchObject({ status: 502 });
    expect(sent).toBeLessThan(100);
    await expect(making(() => undefined, { seconds: 0.4 })).rejects.toBeInstanceOf(TooSlow);
    const signal = AbortSignal.timeout(300);
    await expect(making(() => undefined, { signal })).rejects.toBeInstanceOf(Cancelled);
    await providing(named('http://127.0.0.1:9/made.png'));
    const away = textToImage(caller, { prompt: 'x' }, { patience: 0 });
    await expect(away).rejects.toMatchObject({ status: 502 });
  });

  test('has no more features than it has', () => {
    vi.stubEnv('AI_PROVIDER_SPEECH_MODEL', '');
    const none = {
      artifacts: false,
      deleting: false,
      usage: false,
      limits: false,
      voices: false,
      previews: false,
    };
    const services = ['text-to-image', 'image-to-image', 'speech-to-text', 'image-to-text'];
    expect(features(caller)).toEqual({ services, ...none });
    vi.stubEnv('AI_PROVIDER_PREVIEWS', 'true');
    expect(features(caller).previews).toBe(true);
  });
});

describe('what is not set', () => {
  test('is named', async () => {
    vi.stubEnv('AI_PROVIDER_IMAGE_MODEL', '');
    await expect(textToImage(caller, { prompt: 'x' })).rejects.toMatchObject({
      name: 'NotConfigured',
      status: 503,
      message: expect.stringMatching(/^AI_PROVIDER_IMAGE_MODEL: is not set/),
    });
    vi.stubEnv('AI_PROVIDER_URL', '');
    await expect(models(caller)).rejects.toMatchObject({
      message: expect.stringMatching(/^AI_PROVIDER_URL: is not set/),
    });
    vi.stubEnv('USE_AI_GATEWAY', 'maybe');
    await expect(async () => health()).rejects.toMatchObject({
      message: expect.stringMatching(/^USE_AI_GATEWAY: must be/),
    });
  });

  test('what only the gateway has says so', async () => {
    for (const asked of [usage(caller), limits(caller), artifacts(caller), ownVoices(caller)]) {
      await expect(asked).rejects.toBeInstanceOf(NotConfigured);
    }
    const start = imageToImage(caller, { artifact: crypto.randomUUID(), prompt: 'x' });
    await expect(start).rejects.toMatchObject({ message: expect.stringContaining('USE_AI_GATEWAY=true') });
  });
});
