/** Pictures that appear while they are made: the events of the app's picture routes. */

import { Refused, request } from '@/lib/client/ask';
import type { PictureEvent, Pictures } from '@/lib/shapes';

export type Preview = Extract<PictureEvent, { type: 'preview' }>;

/** Sends the request, tells of each preview, and gives the pictures at the end. Raises Refused. */
export async function makePictures(
  path: string,
  init: RequestInit,
  onPreview: (preview: Preview) => void,
): Promise<Pictures> {
  const answer = await request(path, init);
  for await (const event of eventsOf(answer)) {
    if (event.type === 'preview') onPreview(event);
    else if (event.type === 'error') throw new Refused(502, event);
    else return event;
  }
  throw new Refused(502, {
    error: 'The answer ended before the picture was there. Try again.',
    code: 'broken_off',
  });
}

async function* eventsOf(answer: Response): AsyncGenerator<PictureEvent> {
  if (!answer.body) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const blocks = (rest + part.value).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const data = block
          .split('\n')
          .filter((line) => line.startsWith('data:'))
          .map((line) => line.slice(5).trim())
          .join('\n');
        if (data) yield JSON.parse(data) as PictureEvent;
      }
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}
