/** The pictures of an OpenAI-compatible provider, in the app's shape: there are no links, so they come as data. */

import 'server-only';
import type { Picture, Pictures } from '@/lib/shapes';
import { wholeOf } from './bounded';
import { call, json } from './call';
import type { Options } from './caller';
import { Cancelled, TooSlow, UpstreamFailed } from './errors';
import type { PictureStream } from './input';
import { pictureEvents } from './pictures';

const MOST_PICTURE_BYTES = 50_000_000;

/** How pictures are fetched that the provider only names. */
type Fetching = Options & { seconds: number };

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

/** `stream`: events are wanted; `previews`: how many were asked for, on the way to each picture. */
interface AskedFor {
  warnings: string[];
  stream: boolean;
  previews: number;
  model: string;
}

/** Pictures, or their events where a stream is wanted: the last one alone where the provider sent them at once. */
export async function providedPictures(
  response: Response,
  { warnings, stream, previews, model }: AskedFor,
  fetching: Fetching,
): Promise<Pictures | PictureStream> {
  const requestId = response.headers.get('x-request-id') ?? '';
  if (stream && response.body && response.headers.get('content-type')?.startsWith('text/event-stream')) {
    return { events: counted(pictureEvents(response.body, requestId), previews + 1) };
  }
  const made = await json<ImagesAnswer>(response);
  const images = await Promise.all(made.data.map((datum) => shown(datum, made, fetching)));
  const revised_prompt = made.data[0]?.revised_prompt ?? null;
  const pictures = { images, revised_prompt, model: made.model || model, warnings, request_id: requestId };
  return stream ? { events: atOnce(pictures) } : pictures;
}

async function* atOnce(pictures: Pictures) {
  yield { type: 'done' as const, ...pictures };
}

/** Providers number their previews and tell no steps: each preview is one, and the picture is the last. */
async function* counted(events: PictureStream['events'], steps: number) {
  for await (const event of events) {
    if (event.type === 'preview' && !event.steps) yield { ...event, step: event.index + 1, steps };
    else yield event;
  }
}

async function shown({ b64_json, url }: Datum, made: ImagesAnswer, fetching: Fetching): Promise<Picture> {
  const [width = 0, height = 0] = (made.size ?? '').split('x').map(Number);
  const type = `image/${made.output_format ?? 'png'}`;
  const data = b64_json ? `data:${type};base64,${b64_json}` : await fetched(url, type, fetching);
  return { id: '', url: data, seed: null, width: width || 0, height: height || 0 };
}

export async function dataUri(body: Response | Blob, type: string): Promise<string> {
  return `data:${type};base64,${Buffer.from(await body.arrayBuffer()).toString('base64')}`;
}

/** A provider that answers with addresses of its own: browsers are not led there. */
async function fetched(url: string | undefined, type: string, fetching: Fetching): Promise<string> {
  if (!url || !/^https?:/.test(url)) throw new UpstreamFailed('The provider answered without a picture');
  try {
    const { headers, body } = await call({ url }, fetching);
    const said = headers.get('content-type') ?? '';
    const picture = await wholeOf(body ?? new Blob().stream(), MOST_PICTURE_BYTES);
    return await dataUri(picture, said.startsWith('image/') ? said : type);
  } catch (cause) {
    if (cause instanceof Cancelled || cause instanceof TooSlow) throw cause;
    throw new UpstreamFailed('The picture that the provider made cannot be fetched from it; try again', {
      cause,
    });
  }
}
