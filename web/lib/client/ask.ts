/** How pages ask the app's own routes: one call, one error. */

import type { Failure } from '@/lib/shapes';

/** An answer that is not a success, or none at all (`code` is `offline` then, and `status` 0). */
export class Refused extends Error implements Failure {
  readonly error: string;
  readonly code: string;
  readonly field?: string;
  readonly retry_after?: number;
  readonly request_id?: string;

  constructor(
    readonly status: number,
    failure: Failure,
  ) {
    super(failure.error);
    this.name = 'Refused';
    this.error = failure.error;
    this.code = failure.code;
    this.field = failure.field;
    this.retry_after = failure.retry_after;
    this.request_id = failure.request_id;
  }
}

const OFFLINE: Failure = {
  error: 'There is no connection to the app. Check the network and try again.',
  code: 'offline',
};

/** The answer itself. Raises Refused; a call that was cancelled raises the signal's own AbortError. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Refused(0, OFFLINE);
  }
  if (!answer.ok) throw new Refused(answer.status, await failureOf(answer));
  return answer;
}

/** The answer's JSON. */
export async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  const answer = await request(path, init);
  return answer.status === 204 ? (undefined as T) : ((await answer.json()) as T);
}

/** What a refusal says about one field. */
export const errorAt = (failure: Refused | null, field: string): string | undefined =>
  failure?.field === field ? failure.error : undefined;

/** What a piece of work sends along: how it is cancelled, and the key by which a repeat is known. */
export interface Going {
  signal: AbortSignal;
  headers: { 'idempotency-key': string };
}

/** A POST of JSON. */
export const posted = (body: unknown, { signal, headers }: Going): RequestInit => ({
  method: 'POST',
  headers: { ...headers, 'content-type': 'application/json' },
  body: JSON.stringify(body),
  signal,
});

async function failureOf(answer: Response): Promise<Failure> {
  const said = (await answer.json().catch(() => null)) as Partial<Failure> | null;
  const wait = Number(answer.headers.get('retry-after'));
  return {
    error: said?.error ?? 'Something went wrong on the way. Try again.',
    code: said?.code ?? 'failed',
    field: said?.field,
    retry_after: said?.retry_after ?? (Number.isFinite(wait) && wait > 0 ? wait : undefined),
    request_id: said?.request_id,
  };
}
