/** One request to Atelier's gateway, with a token for the caller's tenant. */

import 'server-only';
import { call, type Request } from './call';
import { type Caller, isUpload, type Options } from './caller';
import type { Form } from './input';
import { sendable } from './sendable';
import { gatewaySettings } from './settings';
import { tokenFor } from './token';

type Sent = Omit<Request, 'url' | 'authorize'>;

/** Asks for one of the gateway's paths. `caller` is left out for what anyone may ask. */
export async function ask(
  caller: Caller | undefined,
  path: string,
  options: Options,
  sent: Sent = {},
): Promise<Response> {
  const settings = gatewaySettings();
  const authorize = caller && (async () => `Bearer ${await tokenFor(caller, settings)}`);
  return call(
    { url: settings.url + path, ...sent, authorize },
    { ...options, seconds: options.seconds ?? settings.seconds },
  );
}

/** `service`: the last part of one of the paths below /api. */
export async function post(
  caller: Caller,
  service: string,
  input: object | Form,
  options: Options,
): Promise<Response> {
  const { body, headers } = sendable(input);
  const key = options.idempotencyKey ?? crypto.randomUUID();
  const streamed = 'stream' in input || isUpload(input);
  return ask(caller, `/api/${service}`, options, {
    method: 'POST',
    headers: { ...headers, 'idempotency-key': key },
    body,
    streamed,
  });
}
