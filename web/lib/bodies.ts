/** What comes in: JSON and queries of a known shape, and forms that stream through. */

import type { z } from 'zod';
import { bounded, tooLarge, wholeOf } from './ai/bounded';
import type { Upload } from './ai/caller';
import { InvalidInput, UnsupportedMedia } from './ai/errors';

const MOST_JSON_BYTES = 1_000_000;
const MOST_UPLOAD_BYTES = 100_000_000;

/** Throws InvalidInput that names the first field at fault. */
export function checked<Schema extends z.ZodType>(schema: Schema, given: unknown): z.infer<Schema> {
  const read = schema.safeParse(given);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const field = issue?.code === 'unrecognized_keys' ? issue.keys[0] : issue?.path.join('.');
  const said = issue?.code === 'unrecognized_keys' ? 'is not known here' : issue?.message;
  throw new InvalidInput(`${field || 'body'}: ${said}`, { field: field || 'body' });
}

/** A JSON body of that shape. Throws UnsupportedMedia, TooLarge, InvalidInput. */
export async function jsonOf<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
): Promise<z.infer<Schema>> {
  if (typeOf(request) !== 'application/json') throw unsupported(request, 'application/json');
  const said = request.body ? await (await wholeOf(request.body, MOST_JSON_BYTES)).text() : '';
  let given: unknown;
  try {
    given = JSON.parse(said);
  } catch {
    throw new InvalidInput('body: is not valid JSON', { field: 'body' });
  }
  return checked(schema, given);
}

/** A form, which streams through: its fields are the gateway's to check. One that is too large fails on its way. */
export function formOf(request: Request): Upload {
  if (typeOf(request) !== 'multipart/form-data' || !request.body)
    throw unsupported(request, 'multipart/form-data');
  const bytes = checkLength(request, MOST_UPLOAD_BYTES);
  const form = bounded(request.body, MOST_UPLOAD_BYTES);
  return { form, contentType: request.headers.get('content-type') ?? '', bytes };
}

/** Either of them. */
export async function jsonOrForm<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
): Promise<z.infer<Schema> | Upload> {
  return typeOf(request) === 'application/json' ? jsonOf(request, schema) : formOf(request);
}

function typeOf(request: Request): string {
  return (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

function unsupported(request: Request, wanted: string): UnsupportedMedia {
  const said = typeOf(request).slice(0, 80) || 'nothing';
  return new UnsupportedMedia(`content-type: ${said} is not understood; send ${wanted}`, {
    field: 'content-type',
  });
}

function checkLength(request: Request, most: number): number | undefined {
  const said = request.headers.get('content-length');
  if (said === null) return undefined;
  const bytes = Number(said);
  if (bytes > most) throw tooLarge(most);
  return bytes;
}
