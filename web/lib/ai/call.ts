/** One request over HTTP: its time, its repeats, and its failures as errors. */

import 'server-only';
import type { Options } from './caller';
import { Deadline, pause } from './deadline';
import { AiError, Cancelled, InvalidInput, Unavailable, UnsupportedMedia, UpstreamFailed } from './errors';
import { refusalOf } from './refusal';

export interface Request {
  url: string;
  method?: 'GET' | 'POST' | 'DELETE' | 'HEAD';
  headers?: Record<string, string>;
  /** Left out: what is sent is JSON, a form, or a form that streams through and so can be sent once only. */
  body?: string | FormData | ReadableStream<Uint8Array>;
  /** Makes the header `Authorization` for each attempt: tokens are short-lived. */
  authorize?: () => Promise<string | undefined>;
  /** Statuses beside 2xx that are answers. */
  expected?: number[];
  /** The answer comes in pieces: the time begins anew with each. */
  streamed?: boolean;
}

/** How long repeats may wait together, unless the caller says otherwise. */
const PATIENCE_SECONDS = 10;
const MOST_REPEATS = 3;
const FIRST_PAUSE_SECONDS = 0.25;

/** What may be gone by the next time; anything else stays as it is. */
const PASSING = new Set([429, 502, 503]);

/** The answer, whose body may still be on its way. Throws AiError. */
export async function call(request: Request, options: Options & { seconds: number }): Promise<Response> {
  const end = performance.now() + options.seconds * 1000;
  let patience = options.patience ?? PATIENCE_SECONDS;
  for (let repeat = 0; ; repeat++) {
    const left = (end - performance.now()) / 1000;
    try {
      return await attempt(request, options, left);
    } catch (problem) {
      const wait = waitBefore(problem as AiError, repeat);
      const last = !mayRepeat(request, problem as AiError) || repeat >= MOST_REPEATS || wait === undefined;
      if (last || wait > Math.min(patience, (end - performance.now()) / 1000)) throw problem;
      patience -= wait;
      await pause(wait, options.signal);
    }
  }
}

/**
 * A POST is repeated by its Idempotency-Key, but not where a service has failed at it: that took its time already. A form
 * that streams through is gone once it was sent.
 */
function mayRepeat({ method = 'GET', headers, body }: Request, problem: AiError): boolean {
  if (body instanceof ReadableStream) return false;
  if (method !== 'POST') return true;
  return headers?.['idempotency-key'] !== undefined && !(problem instanceof UpstreamFailed);
}

/** Seconds, or undefined for a failure that would come again. */
function waitBefore(problem: AiError, repeat: number): number | undefined {
  if (!PASSING.has(problem.status) || problem.code === 'not_configured') return undefined;
  return problem.retryAfter ?? FIRST_PAUSE_SECONDS * 2 ** repeat;
}

/** `left`: the seconds until the answer must have begun. */
async function attempt(
  request: Request,
  options: Options & { seconds: number },
  left: number,
): Promise<Response> {
  const deadline = new Deadline(options.seconds, options.signal, left);
  try {
    const sent = await init(request, deadline);
    const response = await fetch(request.url, sent).catch(unreachable);
    options.onAnswer?.(response.headers);
    if (!response.ok && !request.expected?.includes(response.status)) throw await refusalOf(response);
    return watched(response, deadline, request.streamed ?? false);
  } catch (problem) {
    deadline.end();
    throw deadline.problem(problem) ?? problem;
  }
}

async function init({ method, headers, body, authorize }: Request, deadline: Deadline): Promise<RequestInit> {
  const authorization = await authorize?.();
  return {
    method: method ?? 'GET',
    headers: new Headers({ ...headers, ...(authorization && { authorization }) }),
    body: body instanceof ReadableStream ? timed(body, deadline) : body,
    signal: deadline.signal,
    redirect: 'manual',
    cache: 'no-store',
    ...(body instanceof ReadableStream && { duplex: 'half' }),
  };
}

/** A body that streams through: its time begins anew with each piece, and what is wrong with it ends the request. */
function timed(body: ReadableStream<Uint8Array>, deadline: Deadline): ReadableStream<Uint8Array> {
  const source = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await source.read();
        deadline.extend();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (problem) {
        deadline.fail(problem instanceof AiError ? problem : cutOff(problem));
        controller.error(problem);
      }
    },
    cancel: (reason) => source.cancel(reason),
  });
}

/** The response with a body that the deadline watches to its end. */
function watched(response: Response, deadline: Deadline, streamed: boolean): Response {
  if (!response.body) {
    deadline.end();
    return response;
  }
  const source = response.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        if (streamed) deadline.extend();
        const { done, value } = await source.read();
        if (streamed) deadline.hold(); // who reads slowly takes no time of ours
        if (!done) return controller.enqueue(value);
        deadline.end();
        controller.close();
      } catch (problem) {
        deadline.end();
        controller.error(deadline.problem(problem) ?? brokenOff(problem));
      }
    },
    async cancel(reason) {
      deadline.end();
      await source.cancel(reason);
    },
  });
  return new Response(body, response);
}

/** The body as JSON. Throws AiError. */
export async function json<Shape>(response: Response): Promise<Shape> {
  const type = response.headers.get('content-type') ?? '';
  if (!type.includes('json')) {
    throw new UnsupportedMedia(`The service answered with ${type || 'no content type'} instead of JSON`, {
      status: 502,
    });
  }
  return (await response.json()) as Shape;
}

function unreachable(cause: unknown): never {
  throw new Unavailable('The AI service cannot be reached; is it running, and is its address right?', {
    cause,
  });
}

function cutOff(cause: unknown): AiError {
  return new InvalidInput('body: broke off before its end', { field: 'body', cause });
}

function brokenOff(problem: unknown): AiError {
  if (problem instanceof Cancelled) return problem;
  return new UpstreamFailed('The answer broke off before its end; try again', { cause: problem });
}
