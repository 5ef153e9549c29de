/** One class for each kind of failure, with what a caller needs to act on it. */

import type { Failure } from '@/lib/shapes';

export interface Circumstances {
  /** What was sent that is at fault. */
  field?: string;
  /** Seconds until it is worth trying again. */
  retryAfter?: number;
  /** Finds the request in the gateway's log. */
  requestId?: string;
  /** The finer name of what went wrong, such as `idempotency_conflict`. */
  code?: string;
  status?: number;
  cause?: unknown;
}

/** The base of them all. `message` is a sentence for people. */
export class AiError extends Error {
  readonly status: number = 500;
  readonly code: string = 'internal_error';
  readonly field?: string;
  readonly retryAfter?: number;
  readonly requestId?: string;

  constructor(message: string, { status, code, field, retryAfter, requestId, cause }: Circumstances = {}) {
    super(message, { cause });
    this.name = new.target.name;
    this.field = field;
    this.retryAfter = retryAfter;
    this.requestId = requestId;
    const kind = new.target as unknown as { status: number; code: string };
    this.status = status ?? kind.status;
    this.code = code ?? kind.code;
  }

  static readonly status: number = 500;
  static readonly code: string = 'internal_error';

  /** The body of an answer. */
  failure(): Failure {
    return {
      error: this.message,
      code: this.code,
      ...(this.field !== undefined && { field: this.field }),
      ...(this.retryAfter !== undefined && { retry_after: this.retryAfter }),
      ...(this.requestId !== undefined && { request_id: this.requestId }),
    };
  }
}

function kind(status: number, code: string) {
  return class extends AiError {
    static override readonly status: number = status;
    static override readonly code: string = code;
  };
}

/** The input is malformed or out of range; `field` says what. */
export class InvalidInput extends kind(422, 'invalid_request') {}
/** Nobody is signed in, or the gateway does not know who signed the token. */
export class Unauthenticated extends kind(401, 'unauthenticated') {}
/** Known, and not allowed to: a suspended tenant, a service that the credentials are not for. */
export class Forbidden extends kind(403, 'forbidden') {}
/** It is not there, or another tenant's. */
export class NotFound extends kind(404, 'not_found') {}
/** An Idempotency-Key that stands for another request. */
export class Conflict extends kind(409, 'conflict') {}
/** The upload did not arrive in time. */
export class UploadTooSlow extends kind(408, 'upload_too_slow') {}
/** The body or a file is larger than may be. */
export class TooLarge extends kind(413, 'too_large') {}
/** Not that content type. */
export class UnsupportedMedia extends kind(415, 'unsupported_media_type') {}
/** The file has no such part. */
export class RangeNotSatisfiable extends kind(416, 'range_not_satisfiable') {}
/** A limit is used up; `retryAfter` says when it is not. */
export class RateLimited extends kind(429, 'rate_limited') {}
/** The caller aborted it. */
export class Cancelled extends kind(499, 'cancelled') {}
/** A fault of the gateway's own. */
export class Internal extends kind(500, 'internal_error') {}
/** The service answered with nonsense, or broke off. */
export class UpstreamFailed extends kind(502, 'upstream_failed') {}
/** Nobody can serve it now: away, starting, or overloaded. */
export class Unavailable extends kind(503, 'unavailable') {}
/** The app lacks a setting; the message says which, and what to set it to. */
export class NotConfigured extends kind(503, 'not_configured') {}
/** It took longer than it may. */
export class TooSlow extends kind(504, 'too_slow') {}

const KINDS = [
  InvalidInput,
  Unauthenticated,
  Forbidden,
  NotFound,
  Conflict,
  UploadTooSlow,
  TooLarge,
  UnsupportedMedia,
  RangeNotSatisfiable,
  RateLimited,
  Cancelled,
  Internal,
  UpstreamFailed,
  Unavailable,
  TooSlow,
];

const BY_STATUS = new Map<number, new (message: string, more?: Circumstances) => AiError>(
  KINDS.map((found) => [found.status, found]),
);

/** The error that a status stands for; one without a class of its own is bad input below 500, else a fault. */
export function errorOf(status: number, message: string, more: Circumstances = {}): AiError {
  const known = BY_STATUS.get(status);
  if (known) return new known(message, more);
  const Kind = status < 500 ? InvalidInput : Internal;
  return new Kind(message, { status, ...more });
}
