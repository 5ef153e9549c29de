/** Pictures that appear while they are made: the events of the app's picture routes. */

import { read } from '@/lib/ai/events';
import { Refused, request } from '@/lib/client/ask';
import type { PictureEvent, Pictures } from '@/lib/shapes';

export type Preview = Extract<PictureEvent, { type: 'preview' }>;

const BROKEN_OFF = {
  error: 'The answer ended before the picture was there. Try again.',
  code: 'broken_off',
};

/** Sends the request, tells of each preview, and gives the pictures at the end. Raises Refused. */
export async function makePictures(
  path: string,
  init: RequestInit,
  onPreview: (preview: Preview) => void,
): Promise<Pictures> {
  const answer = await request(path, init);
  for await (const event of eventsOf(answer, init.signal)) {
    if (event.type === 'preview') onPreview(event);
    else if (event.type === 'error') throw new Refused(event.status, event);
    else return event;
  }
  throw new Refused(0, BROKEN_OFF);
}

/** Raises Refused where the line breaks; a cancelled one raises the signal's own AbortError. */
async function* eventsOf(answer: Response, signal?: AbortSignal | null): AsyncGenerator<PictureEvent> {
  if (!answer.body) return;
  try {
    for await (const { data } of read(answer.body)) yield JSON.parse(data) as PictureEvent;
  } catch (error) {
    throw signal?.aborted || !(error instanceof TypeError) ? error : new Refused(0, BROKEN_OFF);
  }
}
