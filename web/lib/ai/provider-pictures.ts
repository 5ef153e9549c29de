/** The pictures of an OpenAI-compatible provider, in the app's shape: there are no links, so they come as data. */

import 'server-only';
import type { Picture, Pictures } from '@/lib/shapes';
import { json } from './call';
import { UpstreamFailed } from './errors';
import type { PictureStream } from './input';
import { pictureEvents } from './pictures';

interface Datum {
  b64_json?: string;
  url?: string;
  revised_prompt?: string;
}

interface ImagesAnswer {
  data: Datum[];
  model?: string;
  size?: string;
  output_format?: string;
}

/** Atelier's own fields, which no other provider takes. */
const OWN_FIELDS = ['negative_prompt', 'style', 'seed', 'num_inference_steps', 'guidance_scale', 'strength'];

/** A warning for each of the fields that changes nothing. */
export function notTaken(names: Iterable<string>): string[] {
  const given = new Set(names);
  return OWN_FIELDS.filter((name) => given.has(name)).map((name) => `${name}: the provider does not take it`);
}

/** Pictures, or their events where a stream was asked for and came. */
export async function providedPictures(
  response: Response,
  { warnings, stream, model }: { warnings: string[]; stream: boolean; model: string },
): Promise<Pictures | PictureStream> {
  const requestId = response.headers.get('x-request-id') ?? '';
  if (stream && response.body && response.headers.get('content-type')?.startsWith('text/event-stream')) {
    return { events: pictureEvents(response.body, requestId) };
  }
  const made = await json<ImagesAnswer>(response);
  const images = await Promise.all(made.data.map((datum) => shown(datum, made)));
  const revised_prompt = made.data[0]?.revised_prompt ?? null;
  return { images, revised_prompt, model: made.model || model, warnings, request_id: requestId };
}

async function shown({ b64_json, url }: Datum, made: ImagesAnswer): Promise<Picture> {
  const [width = 0, height = 0] = (made.size ?? '').split('x').map(Number);
  const type = `image/${made.output_format ?? 'png'}`;
  const data = b64_json ? `data:${type};base64,${b64_json}` : await fetched(url, type);
  return { id: '', url: data, seed: null, width: width || 0, height: height || 0 };
}

export async function dataUri(body: Response | Blob, type: string): Promise<string> {
  return `data:${type};base64,${Buffer.from(await body.arrayBuffer()).toString('base64')}`;
}

/** A provider that answers with addresses of its own: browsers are not led there. */
async function fetched(url: string | undefined, type: string): Promise<string> {
  const found = url ? await fetch(url).catch(() => undefined) : undefined;
  if (!found?.ok) throw new UpstreamFailed('The provider answered without a picture');
  return dataUri(found, type);
}
