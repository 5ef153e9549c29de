/** What every route of the app does: session, origin, errors, and the headers that are passed on. */

import 'server-only';
import { unstable_rethrow } from 'next/navigation';
import type { Options } from './ai/caller';
import { AiError, Forbidden, Internal, Unauthenticated } from './ai/errors';
import { isForeign } from './origin';
import { type Session, session } from './session';

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

/** Of the last answer: what the one before a repeat said, such as when to come again, is over. */
function keep(headers: Headers, kept: Headers): void {
  for (const name of [...kept.keys()]) if (PASSED_ON.test(name)) kept.delete(name);
  for (const [name, value] of headers) if (PASSED_ON.test(name)) kept.set(name, value);
}

function withHeaders(response: Response, kept: Headers): Response {
  for (const [name, value] of kept) if (!response.headers.has(name)) response.headers.set(name, value);
  return response;
}

function refusal(problem: unknown): Response {
  const found = worded(problem);
  const headers = found.retryAfter === undefined ? undefined : { 'retry-after': String(found.retryAfter) };
  return Response.json(found.failure(), { status: found.status, headers });
}

/** What nobody expected is told to the log, and to nobody else. */
export function worded(problem: unknown): AiError {
  if (problem instanceof AiError) return problem;
  console.error(problem);
  return new Internal('Something went wrong here; the log of the app has the details');
}
