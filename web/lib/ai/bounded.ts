/** Bodies that are counted while they are read: what is sent in pieces tells no length before. */

import { TooLarge } from './errors';

/** The body read whole. Throws TooLarge as soon as it is. */
export async function wholeOf(body: ReadableStream<Uint8Array>, mostBytes: number): Promise<Blob> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of bounded(body, mostBytes)) pieces.push(new Uint8Array(piece));
  return new Blob(pieces);
}

/** The body as it comes. It fails with TooLarge as soon as it is. */
export function bounded(body: ReadableStream<Uint8Array>, mostBytes: number): ReadableStream<Uint8Array> {
  let bytes = 0;
  const count = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, controller) {
      bytes += piece.length;
      if (bytes > mostBytes) throw tooLarge(mostBytes);
      controller.enqueue(piece);
    },
  });
  return body.pipeThrough(count);
}

export function tooLarge(mostBytes: number): TooLarge {
  return new TooLarge(`body: may have ${mostBytes / 1e6} MB at most`, { field: 'body' });
}
