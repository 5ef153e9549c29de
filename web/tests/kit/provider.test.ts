/** USE_AI_GATEWAY=false: an OpenAI-compatible provider answers, or the app says what to set. */

import { SignJWT } from 'jose';
import { beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { NotConfigured } from '@/lib/ai/errors';
import {
  artifacts,
  health,
  imageToImage,
  imageToText,
  limits,
  models,
  speechToText,
  textToImage,
  textToSpeech,
  usage,
} from '@/lib/ai/gateway';
import type { Pictures } from '@/lib/shapes';
import { form, someone, upload } from './callers';

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

  test('shows pictures while they are made', async () => {
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
    for (const asked of [usage(caller), limits(caller), artifacts(caller)]) {
      await expect(asked).rejects.toBeInstanceOf(NotConfigured);
    }
    const start = imageToImage(caller, { artifact: crypto.randomUUID(), prompt: 'x' });
    await expect(start).rejects.toMatchObject({ message: expect.stringContaining('USE_AI_GATEWAY=true') });
  });
});
