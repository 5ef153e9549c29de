/** The gateway's answers about pictures, in the app's shape: links lead through the app. */

import 'server-only';
import type { PictureEvent, Pictures } from '@/lib/shapes';
import { UpstreamFailed } from './errors';
import { read } from './events';
import type { components } from './openapi';
import { toldFailure } from './refusal';

type Made = components['schemas']['ImagesBody'];
type Entry = Pick<components['schemas']['ImageEntry'], 'url' | 'b64_json' | 'seed' | 'width' | 'height'>;

/** An event of a stream of the gateway, as far as it is read here. */
interface ImageEvent extends Partial<Entry> {
  type: string;
  output_format: string;
  partial_image_index?: number;
  step?: number;
  steps?: number;
  images?: number;
  model?: string;
  warnings?: string[];
  revised_prompt?: string;
}

/** Where the app serves an artifact. */
export function artifactUrl(id: string): string {
  return `/api/ai/artifacts/${id}`;
}

/** The id in a link of the gateway. */
export function artifactId(link: string): string {
  return /\/artifacts\/([0-9a-f-]{36})/.exec(link)?.[1] ?? '';
}

export function pictures(made: Made): Pictures {
  return {
    images: made.images.map((entry) => picture(entry, 'png')),
    revised_prompt: made.revised_prompt,
    model: made.model,
    warnings: made.warnings,
    request_id: made.request_id,
  };
}

function picture(
  { url, b64_json, seed, width, height }: Partial<Entry>,
  format: string,
): Pictures['images'][0] {
  const id = url ? artifactId(url) : '';
  return {
    id,
    url: id ? artifactUrl(id) : dataUri(b64_json ?? '', format),
    seed: seed ?? null,
    width: width ?? 0,
    height: height ?? 0,
  };
}

function dataUri(base64: string, format: string): string {
  return `data:image/${format};base64,${base64}`;
}

/** Previews, and at the end all pictures at once. Throws AiError where the stream tells of a failure or breaks off. */
export async function* pictureEvents(
  body: ReadableStream<Uint8Array>,
  requestId: string,
): AsyncGenerator<Exclude<PictureEvent, { type: 'error' }>> {
  const done: ImageEvent[] = [];
  for await (const { name, data } of read(body)) {
    if (name === 'error') throw toldFailure(data, requestId);
    const event = JSON.parse(data) as ImageEvent;
    if (event.type.endsWith('.partial_image')) yield preview(event);
    if (event.type.endsWith('.completed')) done.push(event);
  }
  const last = done.at(-1);
  if (!last || done.length < (last.images ?? 1))
    throw new UpstreamFailed('The answer broke off before its end; try again', { requestId });
  yield {
    type: 'done',
    images: done.map((event) => picture(event, event.output_format)),
    revised_prompt: last.revised_prompt ?? null,
    model: last.model ?? '',
    warnings: last.warnings ?? [],
    request_id: requestId,
  };
}

function preview(event: ImageEvent): PictureEvent & { type: 'preview' } {
  return {
    type: 'preview',
    index: event.partial_image_index ?? 0,
    step: event.step ?? 0,
    steps: event.steps ?? 0,
    image: dataUri(event.b64_json ?? '', event.output_format),
  };
}
