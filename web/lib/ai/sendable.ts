/** The inputs of the kit as bodies of requests to the gateway. */

import type { Request } from './call';
import { isUpload } from './caller';
import type { Form } from './input';

/** What goes out of a request: its body, with what its headers must say of it. */
export function sendable(input: object | Form): Pick<Request, 'body'> & { headers: Record<string, string> } {
  if (input instanceof FormData) return { body: input, headers: {} };
  if (!isUpload(input))
    return { body: JSON.stringify(input), headers: { 'content-type': 'application/json' } };
  const length = input.bytes === undefined ? undefined : { 'content-length': String(input.bytes) };
  return { body: input.form, headers: { 'content-type': input.contentType, ...length } };
}

/** The gateway takes an artifact of the caller's own by the path of its link. */
export function fromArtifact<Input extends object>(input: Input | Form): object | Form {
  if (!('artifact' in input)) return input;
  const { artifact, ...fields } = input;
  return { ...fields, image_url: `/artifacts/${artifact}` };
}
