/** What goes out beside JSON: pictures while they are made, and files. */

import { written } from './ai/events';
import type { PictureStream } from './ai/input';
import { worded } from './route';
import type { PictureEvent } from './shapes';

/** Pictures as they are, or their events while they are made. */
export function picturesOrEvents<Made extends object>(made: Made | PictureStream): Made | Response {
  if (!('events' in made)) return made;
  const body = written<PictureEvent>(made.events, (problem) => {
    const found = worded(problem);
    return { type: 'error', status: found.status, ...found.failure() };
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' } });
}

const FILE_HEADERS = [
  'accept-ranges',
  'cache-control',
  'content-length',
  'content-range',
  'content-type',
  'etag',
  'content-security-policy',
];

/** A stored file as it comes, with the headers that browsers need of it. */
export function fileAnswer(file: Response, more: Record<string, string>): Response {
  // What a browser keeps of it is for the one who was signed in then.
  const headers = new Headers({ vary: 'Cookie', ...more });
  for (const name of FILE_HEADERS) {
    const value = file.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  if (file.headers.has('content-encoding')) headers.delete('content-length'); // it was unpacked on its way
  return withLength(new Response(file.body, { status: file.status, headers }));
}

/**
 * Next sends no Content-Length that a route gives, in case it is that of a body since unpacked, and knows it by its name
 * in small letters. With capitals it gets through: downloads show how far they are, and one that breaks off is seen to.
 */
function withLength(response: Response): Response {
  const { headers } = response;
  const each = headers.forEach.bind(headers);
  headers.forEach = (visit) =>
    each((value, name) => visit(value, name === 'content-length' ? 'Content-Length' : name, headers));
  return response;
}

const ENDINGS: Record<string, string> = {
  'audio/aac': 'aac',
  'audio/flac': 'flac',
  'audio/mpeg': 'mp3',
  'audio/ogg': 'ogg',
  'audio/wav': 'wav',
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/webp': 'webp',
};

/**
 * That a browser keeps the answer as a file of that name, with the ending of its media type if it has none.
 * https://www.rfc-editor.org/rfc/rfc6266
 */
export function attachment(given: string, mediaType?: string | null): Record<string, string> {
  const ending = ENDINGS[mediaType?.split(';')[0]?.trim() ?? ''];
  const name = ending && !given.includes('.') ? `${given}.${ending}` : given;
  const short = [...name].slice(0, 100).join(''); // no half of a character
  const plain = short.replaceAll(/[^\w.-]+/g, '-');
  return {
    'content-disposition': `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(short)}`,
  };
}
