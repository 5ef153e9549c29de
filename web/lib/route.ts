/** What every route of the app does: session, origin, body, errors, and the headers that are passed on. */

import 'server-only';
import { unstable_rethrow } from 'next/navigation';
import type { z } from 'zod';
import type { Options, Upload } from './ai/caller';
import {
  AiError,
  Forbidden,
  Internal,
  InvalidInput,
  TooLarge,
  Unauthenticated,
  UnsupportedMedia,
} from './ai/errors';
import { written } from './ai/events';
import type { PictureStream } from './ai/input';
import { isForeign } from './origin';
import { type Session, session } from './session';
import type { PictureEvent } from './shapes';

/** What a route is given. `options` abort with the browser's request, repeat by its key, and keep the headers. */
export interface Asked {
  request: Request;
  caller: Session;
  options: Options;
  params: Record<string, string>;
  query: Record<string, string>;
}

type Handler<Given> = (asked: Given) => Promise<unknown>;

interface Context {
  params: Promise<Record<string, string>>;
}

/** Of the gateway's answer, the browser gets these too. */
const PASSED_ON =
  /^(ratelimit|ratelimit-policy|x-ratelimit-.*|x-request-id|idempotent-replayed|retry-after)$/;

const MOST_JSON_BYTES = 1_000_000;
const MOST_UPLOAD_BYTES = 100_000_000;

/** For those who are signed in. A Response is answered as it is, anything else as JSON. */
export function route(handler: Handler<Asked>) {
  return openRoute(async (asked) => {
    const caller = await session();
    if (!caller) throw new Unauthenticated('Sign in first');
    return handler({ ...asked, caller });
  });
}

/** For anyone. */
export function openRoute(handler: Handler<Omit<Asked, 'caller'>>) {
  return async (request: Request, context: Context): Promise<Response> => {
    const kept = new Headers({ 'cache-control': 'no-store' });
    const options: Options = {
      signal: request.signal,
      idempotencyKey: request.headers.get('idempotency-key') ?? undefined,
      onAnswer: (headers) => keep(headers, kept),
    };
    try {
      if (isForeign(request)) throw new Forbidden('This request comes from another site');
      const query = Object.fromEntries(new URL(request.url).searchParams);
      const answer = await handler({ request, options, params: await context.params, query });
      return withHeaders(answer instanceof Response ? answer : Response.json(answer), kept);
    } catch (problem) {
      unstable_rethrow(problem);
      return withHeaders(refusal(problem), kept);
    }
  };
}

function keep(headers: Headers, kept: Headers): void {
  for (const [name, value] of headers) if (PASSED_ON.test(name)) kept.set(name, value);
}

function withHeaders(response: Response, kept: Headers): Response {
  for (const [name, value] of kept) if (!response.headers.has(name)) response.headers.set(name, value);
  return response;
}

/** Throws InvalidInput that names the first field at fault. */
export function checked<Schema extends z.ZodType>(schema: Schema, given: unknown): z.infer<Schema> {
  const read = schema.safeParse(given);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const field = issue?.code === 'unrecognized_keys' ? issue.keys[0] : issue?.path.join('.');
  const said = issue?.code === 'unrecognized_keys' ? 'is not known here' : issue?.message;
  throw new InvalidInput(`${field || 'body'}: ${said}`, { field: field || 'body' });
}

/** A JSON body of that shape. Throws UnsupportedMedia, TooLarge, InvalidInput. */
export async function jsonOf<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
): Promise<z.infer<Schema>> {
  if (typeOf(request) !== 'application/json') throw unsupported(request, 'application/json');
  checkLength(request, MOST_JSON_BYTES);
  const said = await request.text();
  let given: unknown;
  try {
    given = JSON.parse(said);
  } catch {
    throw new InvalidInput('body: is not valid JSON', { field: 'body' });
  }
  return checked(schema, given);
}

/** A form, which streams through: its fields are the gateway's to check. */
export function formOf(request: Request): Upload {
  if (typeOf(request) !== 'multipart/form-data' || !request.body)
    throw unsupported(request, 'multipart/form-data');
  const bytes = checkLength(request, MOST_UPLOAD_BYTES);
  return { form: request.body, contentType: request.headers.get('content-type') ?? '', bytes };
}

/** Either of them. */
export async function jsonOrForm<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
): Promise<z.infer<Schema> | Upload> {
  return typeOf(request) === 'application/json' ? jsonOf(request, schema) : formOf(request);
}

/** Pictures as they are, or their events while they are made. */
export function picturesOrEvents<Made extends object>(made: Made | PictureStream): Made | Response {
  if (!('events' in made)) return made;
  const body = written<PictureEvent>(made.events, (problem) => ({
    type: 'error',
    ...worded(problem).failure(),
  }));
  return new Response(body, { headers: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' } });
}

const FILE_HEADERS = [
  'accept-ranges',
  'cache-control',
  'content-length',
  'content-range',
  'content-type',
  'etag',
  'content-security-policy',
];

/** A stored file as it comes, with the headers that browsers need of it. */
export function fileAnswer(file: Response, more: Record<string, string>): Response {
  // What a browser keeps of it is for the one who was signed in then.
  const headers = new Headers({ vary: 'Cookie', ...more });
  for (const name of FILE_HEADERS) {
    const value = file.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return new Response(file.body, { status: file.status, headers });
}

const ENDINGS: Record<string, string> = {
  'audio/aac': 'aac',
  'audio/flac': 'flac',
  'audio/mpeg': 'mp3',
  'audio/ogg': 'ogg',
  'audio/wav': 'wav',
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/webp': 'webp',
};

/**
 * That a browser keeps the answer as a file of that name, with the ending of its media type if it has none.
 * https://www.rfc-editor.org/rfc/rfc6266
 */
export function attachment(given: string, mediaType?: string | null): Record<string, string> {
  const ending = ENDINGS[mediaType?.split(';')[0]?.trim() ?? ''];
  const name = ending && !given.includes('.') ? `${given}.${ending}` : given;
  const plain = name.replaceAll(/[^\w.-]+/g, '-').slice(0, 100);
  return {
    'content-disposition': `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(name.slice(0, 100))}`,
  };
}

function typeOf(request: Request): string {
  return (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

function unsupported(request: Request, wanted: string): UnsupportedMedia {
  const said = typeOf(request).slice(0, 80) || 'nothing';
  return new UnsupportedMedia(`content-type: ${said} is not understood; send ${wanted}`, {
    field: 'content-type',
  });
}

function checkLength(request: Request, most: number): number | undefined {
  const said = request.headers.get('content-length');
  if (said === null) return undefined;
  const bytes = Number(said);
  if (bytes > most) throw new TooLarge(`body: may have ${most / 1e6} MB at most`, { field: 'body' });
  return bytes;
}

function refusal(problem: unknown): Response {
  const found = worded(problem);
  const headers = found.retryAfter === undefined ? undefined : { 'retry-after': String(found.retryAfter) };
  return Response.json(found.failure(), { status: found.status, headers });
}

/** What nobody expected is told to the log, and to nobody else. */
function worded(problem: unknown): AiError {
  if (problem instanceof AiError) return problem;
  console.error(problem);
  return new Internal('Something went wrong here; the log of the app has the details');
}
