/** A body that is read whole, and only so far: what is sent in pieces tells no length before. */

import { TooLarge } from './errors';

/** Throws TooLarge. */
export async function wholeOf(body: ReadableStream<Uint8Array>, mostBytes: number): Promise<Blob> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const piece of body) {
    length += piece.length;
    if (length > mostBytes)
      throw new TooLarge(`body: may have ${mostBytes / 1e6} MB at most`, { field: 'body' });
    pieces.push(new Uint8Array(piece));
  }
  return new Blob(pieces);
}
