/** Every function of the kit against a real gateway: what comes back, what is kept, and what it cost. */

import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { Cancelled, InvalidInput, NotFound, RateLimited, TooSlow, Unauthenticated } from '@/lib/ai/errors';
import {
  addVoice,
  artifactFile,
  artifacts,
  deleteArtifact,
  deleteVoice,
  health,
  imageToImage,
  imageToText,
  limits,
  models,
  ownVoices,
  type PictureStream,
  speechToText,
  textToImage,
  textToSpeech,
  usage,
  usageDays,
  voiceRecording,
} from '@/lib/ai/gateway';
import type { PictureEvent, Pictures } from '@/lib/shapes';
import {
  admitted,
  aPicture,
  aRecording,
  aVoice,
  bytesOf,
  form,
  settled,
  someone,
  until,
  upload,
} from './callers';

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47]);
const QUICK = { prompt: 'a red circle', num_inference_steps: 2 };
const LONG = { prompt: 'a red circle', num_inference_steps: 150, n: 8 };

async function collected(stream: PictureStream): Promise<PictureEvent[]> {
  const events: PictureEvent[] = [];
  for await (const event of stream.events) events.push(event);
  return events;
}

describe('pictures', () => {
  test('are made, kept and linked through the app', async () => {
    const caller = someone();
    const made = await textToImage(caller, { ...QUICK, n: 2, seed: 7 });
    expectTypeOf(made).toEqualTypeOf<Pictures>();
    expect(made.images.map(({ seed, width, height }) => [seed, width, height])).toEqual([
      [7, 64, 64],
      [8, 64, 64],
    ]);
    for (const { id, url } of made.images) {
      expect(url).toBe(`/api/ai/artifacts/${id}`);
      expect((await bytesOf(caller, id)).subarray(0, 4)).toEqual(PNG);
    }
    expect(made.request_id).toMatch(/^[0-9a-f-]{36}$/);
    expect(await settled(caller, 'text-to-image', 1)).toEqual({ succeeded: 1, failed: 0, cancelled: 0 });
  });

  test('show previews while they are made, and are kept all the same', async () => {
    const caller = someone();
    const stream = await textToImage(caller, {
      prompt: 'a red circle',
      num_inference_steps: 6,
      stream: true,
      n: 2,
    });
    expectTypeOf(stream).toEqualTypeOf<PictureStream>();
    const events = await collected(stream);
    const done = events.at(-1);
    const previews = events.slice(0, -1);
    expect(previews.length).toBeGreaterThan(1);
    for (const preview of previews) {
      expect(preview).toMatchObject({
        type: 'preview',
        steps: 6,
        image: expect.stringMatching(/^data:image\/png;base64,iVBOR/),
      });
    }
    if (done?.type !== 'done') throw new Error('the last event is the pictures');
    expect(done.images).toHaveLength(2);
    expect((await bytesOf(caller, done.images[1]?.id ?? '')).subarray(0, 4)).toEqual(PNG);
  });

  test('start from an artifact, from a form, and from a form that streams through', async () => {
    const caller = someone();
    const { id, file } = await aPicture(caller);
    const fields = { prompt: 'a blue circle', num_inference_steps: '4', strength: '0.5', seed: '3' };
    const input = { artifact: id, prompt: 'a blue circle', num_inference_steps: 4, strength: 0.5, seed: 3 };
    const first = await imageToImage(caller, input);
    const second = (await imageToImage(caller, form({ ...fields, file }))) as Pictures;
    const third = (await imageToImage(caller, upload({ ...fields, file }))) as Pictures;
    const bytes = await Promise.all(
      [first, second, third].map((made) => bytesOf(caller, made.images[0]?.id ?? '')),
    );
    expect(bytes[1]).toEqual(bytes[0]);
    expect(bytes[2]).toEqual(bytes[0]);
  });

  test('of an upload that asks for a stream come as events', async () => {
    const caller = someone();
    const { file } = await aPicture(caller);
    const fields = { prompt: 'a blue circle', num_inference_steps: '8', stream: 'true', file };
    const answer = await imageToImage(caller, upload(fields));
    if (!('events' in answer)) throw new Error('the form asked for events');
    const kinds = (await collected(answer)).map(({ type }) => type);
    expect(new Set(kinds.slice(0, -1))).toEqual(new Set(['preview']));
    expect(kinds.at(-1)).toBe('done');
  });

  test('that are repeated with their key are made and charged once', async () => {
    const caller = someone();
    const options = { idempotencyKey: crypto.randomUUID() };
    const [first, second] = await Promise.all([
      textToImage(caller, QUICK, options),
      textToImage(caller, QUICK, options),
    ]);
    expect(second).toEqual(first);
    expect(await settled(caller, 'text-to-image', 1)).toEqual({ succeeded: 1, failed: 0, cancelled: 0 });
    const other = textToImage(caller, { ...QUICK, seed: 1 }, options);
    await expect(other).rejects.toMatchObject({ status: 409, code: 'idempotency_conflict' });
  });
});

describe('speech', () => {
  test('is spoken, kept and timed', async () => {
    const caller = someone();
    const spoken = await textToSpeech(caller, { text: 'Hello there', response_format: 'mp3', speed: 1.5 });
    expect(spoken).toMatchObject({ media_type: 'audio/mpeg', url: `/api/ai/artifacts/${spoken.id}` });
    expect(spoken.duration).toBeGreaterThan(0.2);
    expect((await bytesOf(caller, spoken.id)).length).toBeGreaterThan(1000);
  });

  test('is sent while it is spoken, and then found by its request', async () => {
    const caller = someone();
    const spoken = await textToSpeech(caller, { text: 'one two three', stream: true });
    const sent = Buffer.from(await new Response(spoken.audio).arrayBuffer());
    expect([spoken.media_type, sent.subarray(0, 4).toString()]).toEqual(['audio/wav', 'RIFF']);
    const [kept] = (await artifacts(caller, { service: 'text-to-speech' })).artifacts;
    expect(kept).toMatchObject({
      request_id: spoken.request_id,
      media_type: 'audio/wav',
      bytes: sent.length,
    });
  });

  test('is written down with times', async () => {
    const caller = someone();
    const file = await aRecording(caller);
    const written = await speechToText(caller, form({ file, timestamps: 'word', language: 'en' }));
    expect(written.duration).toBeGreaterThan(0.5);
    expect(written.language).toBe('en');
    for (const { start, end } of written.segments) expect(end).toBeGreaterThanOrEqual(start);
    expect((await speechToText(caller, upload({ file }))).duration).toBe(written.duration);
  });
});

describe('a voice of one’s own', () => {
  test('is added from a form and from one that streams through, heard, and deleted', async () => {
    const caller = someone();
    const fields = await aVoice(caller, { language: 'en' });
    const added = await addVoice(caller, fields);
    expect(added).toMatchObject({
      name: 'Ann',
      language: 'en',
      consent: { by: 'Ann Example', statement: fields.get('consent') },
    });
    expect(added).not.toHaveProperty('sha256');
    fields.set('name', 'Ben');
    const sent = upload(Object.fromEntries(fields) as Record<string, string | File>);
    const { id, name } = await addVoice(caller, sent);
    expect(await ownVoices(caller)).toMatchObject({ voices: [added, { id, name }], most: 20 });

    const heard = await voiceRecording(caller, id);
    expect(heard.headers.get('content-type')).toBe('audio/wav');
    expect((await heard.arrayBuffer()).byteLength / 44_100).toBeCloseTo(added.seconds, 0);
    await expect(deleteVoice(someone(), id)).rejects.toBeInstanceOf(NotFound);
    await deleteVoice(caller, id);
    expect((await ownVoices(caller)).voices).toEqual([added]);
    await expect(voiceRecording(caller, id)).rejects.toBeInstanceOf(NotFound);
  });

  test('is made once, however often the request is repeated, and of one name', async () => {
    const caller = someone();
    const fields = await aVoice(caller);
    const options = { idempotencyKey: crypto.randomUUID() };
    const added = await addVoice(caller, fields, options);
    expect(await addVoice(caller, fields, options)).toEqual(added);
    await expect(addVoice(caller, fields)).rejects.toMatchObject({ status: 409, field: 'name' });
    expect((await ownVoices(caller)).voices).toEqual([added]);
  });
});

describe('reading', () => {
  test('says what a picture shows, from an artifact and from a file', async () => {
    const caller = someone();
    const { id, file } = await aPicture(caller);
    const read = await imageToText(caller, { artifact: id, task: 'caption' });
    expect(read).toMatchObject({ caption: expect.stringContaining('a'), ocr_text: null, pages: 1 });
    expect((await imageToText(caller, upload({ file, task: 'caption' }))).caption).toBe(read.caption);
    const both = await imageToText(caller, form({ file, task: 'ocr' }));
    expect(both).toMatchObject({ caption: null, ocr_lines: expect.any(Array) });
  });
});

describe('the account', () => {
  test('tells usage by service, and by day and model', async () => {
    const caller = someone();
    await aPicture(caller);
    await settled(caller, 'text-to-image', 1);
    const month = await usage(caller);
    expect(month).toMatchObject({ total: 1, services: { 'text-to-image': { units: 1, unit: 'images' } } });
    const days = await usageDays(caller, month.month);
    const today = new Date().toISOString().slice(0, 10);
    expect(days.days).toEqual([
      expect.objectContaining({
        day: today,
        service: 'text-to-image',
        requests: 1,
        failed: 0,
        units: 1,
        unit: 'images',
      }),
    ]);
    expect((await usageDays(caller, '2020-01')).days).toEqual([]);
    await expect(usage(caller, 'January')).rejects.toMatchObject({ status: 422, field: 'month' });
  });

  test('tells limits, models and health', async () => {
    const caller = someone();
    expect(await limits(caller)).toContainEqual(
      expect.objectContaining({ service: 'text-to-image', measure: 'requests', per: 'hour', left: 100_000 }),
    );
    const found = await models(caller);
    expect(new Set(found.flatMap(({ services }) => services)).size).toBe(5);
    const voices = found.find(({ service }) => service === 'text-to-speech')?.voices;
    expect(voices?.[0]).toEqual({ id: expect.any(String) });
    const well = await health();
    expect(Object.keys(well)).toEqual(['status', 'services', 'timestamp']);
    const shown = ['status', 'response_time', 'model', 'queue', 'upstreams'];
    expect(Object.keys(well.services['text-to-image'] ?? {})).toEqual(shown);
    expect(well.status).toBe('healthy');
    expect(Object.keys(well.services)).toHaveLength(5);
  });

  test('lists files by pages and service, gives parts of them, and deletes them', async () => {
    const caller = someone();
    const { id } = await aPicture(caller);
    await aRecording(caller);
    const first = await artifacts(caller, { limit: 1 });
    const second = await artifacts(caller, { limit: 1, after: first.next ?? '' });
    expect([first.artifacts[0]?.service, second.artifacts[0]?.service]).toEqual([
      'text-to-speech',
      'text-to-image',
    ]);
    expect(second.next).toBeNull();
    expect((await artifacts(caller, { service: 'text-to-image' })).artifacts.map((kept) => kept.id)).toEqual([
      id,
    ]);

    const whole = await artifactFile(caller, id);
    const part = await artifactFile(caller, id, { range: 'bytes=1-3' });
    expect([part.status, await part.text()]).toEqual([206, 'PNG']);
    const known = await artifactFile(caller, id, { ifNoneMatch: whole.headers.get('etag') ?? '' });
    expect(known.status).toBe(304);
    await expect(artifactFile(caller, id, { range: 'bytes=9999999-' })).rejects.toMatchObject({
      status: 416,
    });

    await deleteArtifact(caller, id);
    await expect(deleteArtifact(caller, id)).rejects.toBeInstanceOf(NotFound);
  });
});

describe('between tenants', () => {
  test('nothing of one is there for the other', async () => {
    const [owner, other] = [someone('owner'), someone('other')];
    const { id } = await aPicture(owner);
    await expect(artifactFile(other, id)).rejects.toBeInstanceOf(NotFound);
    await expect(deleteArtifact(other, id)).rejects.toBeInstanceOf(NotFound);
    await expect(imageToImage(other, { artifact: id, prompt: 'x' })).rejects.toBeInstanceOf(NotFound);
    await expect(imageToText(other, { artifact: id })).rejects.toBeInstanceOf(NotFound);
    expect((await artifacts(other)).artifacts).toEqual([]);
    expect((await usage(other)).total).toBe(0);
    expect((await bytesOf(owner, id)).length).toBeGreaterThan(100);
  });

  test('a caller who may use some services may use no other, and see what they made alone', async () => {
    const caller = { ...someone(), services: ['text-to-speech'] };
    const { id } = await textToSpeech(caller, { text: 'yes' });
    const picture = await aPicture({ ...caller, services: undefined });
    await expect(textToImage(caller, QUICK)).rejects.toMatchObject({ status: 403, name: 'Forbidden' });
    expect((await artifacts(caller)).artifacts.map((kept) => kept.id)).toEqual([id]);
    expect((await bytesOf(caller, id)).byteLength).toBeGreaterThan(1000);
    await expect(bytesOf(caller, picture.id)).rejects.toMatchObject({ status: 403 });
    await expect(deleteArtifact(caller, id)).rejects.toMatchObject({ status: 403 });
  });
});

describe('what goes wrong', () => {
  test('names the field', async () => {
    const bad = textToImage(someone(), { prompt: 'x', size: '100x100' });
    await expect(bad).rejects.toBeInstanceOf(InvalidInput);
    await expect(bad).rejects.toMatchObject({ field: 'size', status: 422, requestId: expect.any(String) });
    const form = textToSpeech(someone(), { text: 'x', voice: 'nobody at all' });
    await expect(form).rejects.toMatchObject({ field: 'voice' });
  });

  test('says when a limit is free again', async () => {
    const caller = { tenant: 'small' };
    await textToSpeech(caller, { text: 'one' });
    const refused = textToSpeech(caller, { text: 'two' });
    await expect(refused).rejects.toBeInstanceOf(RateLimited);
    const problem = await refused.catch((found: RateLimited) => found);
    expect((problem as RateLimited).retryAfter).toBeGreaterThan(3000);
  });

  test('says that the gateway does not know who signed', async () => {
    vi.stubEnv('JWT_SECRET', 'another-secret-of-more-than-32-characters');
    await expect(models(someone())).rejects.toBeInstanceOf(Unauthenticated);
  });

  test('what is aborted stops in the gateway too, and is recorded as cancelled', async () => {
    const caller = someone();
    const abort = new AbortController();
    const asking = textToImage(caller, LONG, { signal: abort.signal });
    void admitted(caller).then(() => abort.abort());
    await expect(asking).rejects.toBeInstanceOf(Cancelled);
    expect(await settled(caller, 'text-to-image', 1)).toEqual({ succeeded: 0, failed: 0, cancelled: 1 });
  });

  test('a stream that is left is cancelled and charged for its part', async () => {
    const caller = someone();
    const stream = await textToImage(caller, { ...LONG, n: 1, stream: true, partial_images: 100 });
    for await (const event of stream.events) if (event.type === 'preview') break;
    expect(await settled(caller, 'text-to-image', 1)).toEqual({ succeeded: 0, failed: 0, cancelled: 1 });
    const { units } = (await usage(caller)).services['text-to-image'] ?? {};
    expect(units).toBeGreaterThan(0);
    expect(units).toBeLessThan(1);
  });

  test('what takes too long is ended', async () => {
    const caller = someone();
    await expect(textToImage(caller, LONG, { seconds: 0.5 })).rejects.toBeInstanceOf(TooSlow);
    const ended = await until(
      () => settled(caller, 'text-to-image', 1),
      ({ cancelled }) => cancelled === 1,
    );
    expect(ended.cancelled).toBe(1);
  });
});
