/** The time that a request has: it ends with the caller's signal, or when nothing has gone or come for too long. */

import { type AiError, Cancelled, TooSlow } from './errors';

export class Deadline {
  readonly #controller = new AbortController();
  readonly #given?: AbortSignal;
  readonly #seconds: number;
  readonly #cancel = () => this.#controller.abort();
  #timer?: ReturnType<typeof setTimeout>;
  #fault?: AiError;
  #over = false;

  /** `left`: what is left of the seconds at first. */
  constructor(seconds: number, given?: AbortSignal, left = seconds) {
    this.#seconds = seconds;
    this.#given = given;
    if (given?.aborted) this.#cancel();
    given?.addEventListener('abort', this.#cancel);
    this.#begin(left);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something has gone or come: the time begins anew. */
  extend(): void {
    clearTimeout(this.#timer);
    if (!this.#over) this.#begin(this.#seconds);
  }

  #begin(seconds: number): void {
    this.#timer = setTimeout(this.#cancel, Math.max(0, seconds) * 1000);
  }

  /** Nothing is waited for: the time stands still until it is extended. */
  hold(): void {
    clearTimeout(this.#timer);
  }

  /** The request cannot go on, for a fault of what it sends. */
  fail(fault: AiError): void {
    this.#fault = fault;
    this.#cancel();
  }

  end(): void {
    this.#over = true;
    this.hold();
    this.#given?.removeEventListener('abort', this.#cancel);
  }

  /** What a request that was cut off is told, or undefined where nobody cut it off. */
  problem(cause: unknown): AiError | undefined {
    if (!this.signal.aborted) return undefined;
    if (this.#given?.aborted) return new Cancelled('The request was cancelled', { cause });
    if (this.#fault) return this.#fault;
    return new TooSlow(`The answer did not come within ${this.#seconds} s; try again, or ask for less`, {
      cause,
    });
  }
}

/** Until the time is over, or the signal is aborted. */
export function pause(seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new Cancelled('The request was cancelled'));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, seconds * 1000);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}
