/** What the environment says of the AI gateway or provider: read once, checked, and refused in words. */

import 'server-only';
import { z } from 'zod';
import { NotConfigured } from './errors';

const text = z.string().trim();
const model = text.min(1).optional();

const Environment = z.object({
  USE_AI_GATEWAY: z
    .enum(['true', 'false'], 'must be true (the default) or false, which asks AI_PROVIDER_URL instead')
    .default('true'),
  AI_GATEWAY_URL: z
    .url({ protocol: /^https?$/, error: 'must be the address of the gateway, such as http://127.0.0.1:8000' })
    .default('http://127.0.0.1:8000'),
  AI_GATEWAY_SECONDS: z.coerce
    .number('must be a number of seconds, such as 240')
    .min(1, 'must be 1 second or more')
    .max(290, 'must be 290 seconds or less: Node waits no longer for an answer to begin')
    .default(240),
  AI_GATEWAY_ISSUER: text.optional(),
  AI_GATEWAY_AUDIENCE: text.optional(),
  JWT_SECRET: text
    .min(32, 'has fewer than 32 characters; give the gateway and this app the same longer one')
    .optional(),
  AI_PROVIDER_URL: z
    .url({
      protocol: /^https?$/,
      error: 'must be the address of an OpenAI-compatible API, such as https://api.openai.com/v1',
    })
    .optional(),
  AI_PROVIDER_KEY: text.optional(),
  AI_PROVIDER_PREVIEWS: z
    .enum(['true', 'false'], 'must be true, for a provider that streams pictures, or false (the default)')
    .default('false'),
  AI_PROVIDER_IMAGE_MODEL: model,
  AI_PROVIDER_SPEECH_MODEL: model,
  AI_PROVIDER_SPEECH_VOICE: model,
  AI_PROVIDER_TRANSCRIPTION_MODEL: model,
  AI_PROVIDER_VISION_MODEL: model,
});

export type Environment = z.infer<typeof Environment>;

export interface GatewaySettings {
  url: string;
  secret: string;
  seconds: number;
  issuer?: string;
  audience?: string;
}

export interface ProviderSettings {
  url: string;
  key?: string;
  seconds: number;
  /** It knows `stream` and `partial_images` of pictures: many refuse a request that has them. */
  previews: boolean;
  imageModel?: string;
  speechModel?: string;
  voice?: string;
  transcriptionModel?: string;
  visionModel?: string;
}

/** Throws NotConfigured, which names the variable and says what to set it to. */
function environment(): Environment {
  const given = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value?.trim()));
  const read = Environment.safeParse(given);
  if (read.success) return read.data;
  const [problem] = read.error.issues;
  throw new NotConfigured(`${problem?.path.join('.')}: ${problem?.message}`);
}

export function usesGateway(): boolean {
  return environment().USE_AI_GATEWAY === 'true';
}

/** Throws NotConfigured. */
export function gatewaySettings(): GatewaySettings {
  const set = environment();
  if (!set.JWT_SECRET) {
    throw new NotConfigured('JWT_SECRET: is not set; set it to the JWT_SECRET of the gateway');
  }
  return {
    url: set.AI_GATEWAY_URL.replace(/\/+$/, ''),
    secret: set.JWT_SECRET,
    seconds: set.AI_GATEWAY_SECONDS,
    issuer: set.AI_GATEWAY_ISSUER,
    audience: set.AI_GATEWAY_AUDIENCE,
  };
}

/** Throws NotConfigured. */
export function providerSettings(): ProviderSettings {
  const set = environment();
  if (!set.AI_PROVIDER_URL) {
    throw new NotConfigured(
      'AI_PROVIDER_URL: is not set, and USE_AI_GATEWAY is false; set it to the address of an OpenAI-compatible API ' +
        '(and AI_PROVIDER_KEY to its key), or set USE_AI_GATEWAY=true',
    );
  }
  return {
    url: set.AI_PROVIDER_URL.replace(/\/+$/, ''),
    key: set.AI_PROVIDER_KEY,
    seconds: set.AI_GATEWAY_SECONDS,
    previews: set.AI_PROVIDER_PREVIEWS === 'true',
    imageModel: set.AI_PROVIDER_IMAGE_MODEL,
    speechModel: set.AI_PROVIDER_SPEECH_MODEL,
    voice: set.AI_PROVIDER_SPEECH_VOICE,
    transcriptionModel: set.AI_PROVIDER_TRANSCRIPTION_MODEL,
    visionModel: set.AI_PROVIDER_VISION_MODEL,
  };
}
