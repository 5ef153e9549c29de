/** From an answer that is not a success to the error that it stands for, in either of the gateway's two shapes. */

import { z } from 'zod';
import { type AiError, type Circumstances, errorOf } from './errors';

const Native = z.object({
  error: z.string(),
  code: z.string(),
  field: z.string().optional(),
  request_id: z.string().optional(),
});

const OpenAi = z.object({
  error: z.object({ message: z.string(), code: z.string().nullish(), param: z.string().nullish() }),
});

/** OpenAI's face says 400 where the native one says 422. */
const MALFORMED = 400;

const STATUS_OF_CODE: Record<string, number> = {
  invalid_request: 422,
  unreadable_media: 422,
  rate_limited: 429,
  upstream_failed: 502,
  unavailable: 503,
  overloaded: 503,
  model_missing: 503,
  too_slow: 504,
};

export async function refusalOf(response: Response): Promise<AiError> {
  const said = await response.text().catch(() => '');
  const requestId = response.headers.get('x-request-id') ?? undefined;
  const retryAfter = retrySeconds(response.headers);
  const found = toldIn(said);
  const status = response.status === MALFORMED ? 422 : response.status;
  const message = found?.message ?? `The service answered with status ${response.status} and no explanation`;
  return errorOf(status, message, { requestId, retryAfter, ...found });
}

/** What an event of a stream tells of its failure. */
export function toldFailure(event: string, requestId?: string): AiError {
  const found = toldIn(event);
  const status = STATUS_OF_CODE[found?.code ?? ''] ?? 502;
  return errorOf(status, found?.message ?? 'The service broke off', { requestId, ...found });
}

/** `Retry-After` in seconds: a number, or a date. */
export function retrySeconds(headers: Headers): number | undefined {
  const said = headers.get('retry-after');
  if (said === null) return undefined;
  const seconds = /^\d+$/.test(said) ? Number(said) : (Date.parse(said) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : undefined;
}

function toldIn(said: string): ({ message: string } & Circumstances) | undefined {
  const body = parsed(said);
  const native = Native.safeParse(body);
  if (native.success) {
    const { error: message, code, field, request_id } = native.data;
    return { message, code, field, ...(request_id && { requestId: request_id }) };
  }
  const openAi = OpenAi.safeParse(body);
  if (!openAi.success) return undefined;
  const { message, code, param } = openAi.data.error;
  return { message, code: code ?? undefined, field: param ?? undefined };
}

function parsed(said: string): unknown {
  try {
    return JSON.parse(said);
  } catch {
    return undefined;
  }
}
