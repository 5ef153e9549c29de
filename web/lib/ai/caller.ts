/** Whose request it is, and how it is made: what every function of the gateway takes beside its input. */

/** `services`: what the caller may use; left out is everything. */
export interface Caller {
  tenant: string;
  user?: string;
  services?: string[];
}

export interface Options {
  /** Aborts the request, also in the gateway: what was delivered by then is metered. */
  signal?: AbortSignal;
  /** For the whole answer, repeats included; of a stream: until its beginning, and between two of its pieces. */
  seconds?: number;
  /** Repeating a request with the same key is charged once. One is made up where none is given. */
  idempotencyKey?: string;
  /** Seconds that repeats may wait, together; 0 repeats nothing. */
  patience?: number;
  /** Sees the headers of the answer, such as what is left of the limits; of each one, where it was asked for again. */
  onAnswer?: (headers: Headers) => void;
}

/** A form as it came in, passed on unread. */
export interface Upload {
  form: ReadableStream<Uint8Array>;
  contentType: string;
  bytes?: number;
}

export function isUpload(input: object): input is Upload {
  return 'form' in input && 'contentType' in input;
}
