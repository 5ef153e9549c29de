/** Asks Atelier's gateway, with a token for the caller's tenant. */

import 'server-only';
import {
  type ArtifactPage,
  type Health,
  type Pictures,
  type Reading,
  SERVICES,
  type ServiceHealth,
  type Speech,
  type Transcript,
} from '@/lib/shapes';
import { ask, post } from './asking';
import type { Backend } from './backend';
import { call, json } from './call';
import type { Caller, Options } from './caller';
import type { PictureStream } from './input';
import type { components } from './openapi';
import { artifactId, artifactUrl, pictureEvents, pictures } from './pictures';
import { fromArtifact } from './sendable';
import { gatewaySettings } from './settings';
import type { UsageMonth } from './usage';
import { voices, voicesToChoose } from './voices';

type Schemas = components['schemas'];

/** Pages show eight steps of a picture on its way. */
const PREVIEWS = 8;

/** How health is asked for: a page that looks at it must not hang where the gateway does. */
const HEALTH_SECONDS = 5;

async function madePictures(response: Response): Promise<Pictures | PictureStream> {
  if (response.headers.get('content-type')?.startsWith('text/event-stream') && response.body) {
    return { events: pictureEvents(response.body, response.headers.get('x-request-id') ?? '') };
  }
  return pictures(await json<Schemas['ImagesBody']>(response));
}

function withQuery(path: string, query: Record<string, string | number | undefined>): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

export const atelier: Backend = {
  async textToImage(caller, input, options) {
    const sent = input.stream ? { partial_images: PREVIEWS, ...input } : input;
    return madePictures(await post(caller, 'text-to-image', sent, options));
  },

  async imageToImage(caller, input, options) {
    return madePictures(await post(caller, 'image-to-image', fromArtifact(input), options));
  },

  async textToSpeech(caller, input, options) {
    const response = await post(caller, 'text-to-speech', input, options);
    const type = response.headers.get('content-type') ?? '';
    if (input.stream && response.body && !type.includes('json')) {
      return {
        audio: response.body,
        media_type: type,
        request_id: response.headers.get('x-request-id') ?? '',
      };
    }
    const { audio_url, duration, media_type, voice, language, ...made } =
      await json<Schemas['SpeechBody']>(response);
    const id = artifactId(audio_url);
    return {
      id,
      url: artifactUrl(id),
      duration,
      media_type,
      voice,
      language,
      ...answered(made),
    } satisfies Speech;
  },

  async speechToText(caller, form, options) {
    const made = await json<Schemas['TranscriptBody']>(await post(caller, 'speech-to-text', form, options));
    const { text, language, duration, segments } = made;
    const told = segments.map(({ start, end, text, words }) => ({
      start,
      end,
      text,
      words: words?.map(timed),
    }));
    return { text, language, duration, segments: told, ...answered(made) } satisfies Transcript;
  },

  async imageToText(caller, input, options) {
    const made = await json<Schemas['ReadingBody']>(
      await post(caller, 'image-to-text', fromArtifact(input), options),
    );
    const { caption, ocr_text, ocr_lines, rotation, pages } = made;
    return { caption, ocr_text, ocr_lines, rotation, pages, ...answered(made) } satisfies Reading;
  },

  async usage(caller, month, options) {
    return json<UsageMonth>(await ask(caller, withQuery('/api/usage', { month }), options));
  },

  async usageDays(caller, month, options) {
    return json<Schemas['UsageDays']>(await ask(caller, withQuery('/api/usage/days', { month }), options));
  },

  async limits(caller, options) {
    return (await json<Schemas['LimitList']>(await ask(caller, '/api/limits', options))).limits;
  },

  async models(caller, options) {
    const { data } = await json<Schemas['ModelList']>(await ask(caller, '/v1/models', options));
    const own = data.some(({ clones }) => clones) ? await voicesToChoose(caller, options) : [];
    return data.map(({ id, service, services, note, voices: names, languages, clones }) => {
      const everyones = names?.map((voice) => ({ id: voice }));
      return {
        id,
        service,
        services,
        note,
        voices: clones ? [...own, ...(everyones ?? [])] : everyones,
        languages,
        clones: clones ?? false,
      };
    });
  },

  async artifacts(caller, query, options) {
    const page = await json<Schemas['ArtifactPage']>(
      await ask(caller, withQuery('/api/artifacts', query), options),
    );
    const artifacts = page.artifacts.map(({ sha256: _, url: __, ...kept }) => ({
      ...kept,
      url: artifactUrl(kept.id),
    }));
    return { artifacts, next: page.next } as ArtifactPage;
  },

  async artifactFile(caller, id, { headOnly, range, ifRange, ifNoneMatch }, options) {
    const asked = { range, 'if-range': ifRange, 'if-none-match': ifNoneMatch };
    const headers = Object.fromEntries(
      Object.entries(asked).filter((header): header is [string, string] => !!header[1]),
    );
    return ask(caller, `/artifacts/${encodeURIComponent(id)}`, options, {
      method: headOnly ? 'HEAD' : 'GET',
      headers,
      expected: [304],
      streamed: true,
    });
  },

  async deleteArtifact(caller, id, options) {
    await ask(caller, `/api/artifacts/${encodeURIComponent(id)}`, options, { method: 'DELETE' });
  },

  ...voices,

  async health(options) {
    const patient = { seconds: HEALTH_SECONDS, patience: 0, ...options };
    const found = await json<Health>(await ask(undefined, '/health', patient, { expected: [503] }));
    const services = Object.entries(found.services).map(([name, service]) => [name, health(service)]);
    return { status: found.status, services: Object.fromEntries(services), timestamp: found.timestamp };
  },

  features(caller) {
    const every = caller.services === undefined;
    const services = SERVICES.filter((service) => every || caller.services?.includes(service));
    return {
      services,
      artifacts: true,
      deleting: every,
      usage: every,
      limits: true,
      voices: services.includes('text-to-speech'),
      previews: true,
    };
  },
};

/** For everyone who is signed in; the machine behind it is its operator's to see. */
function health({ status, response_time, model, queue, upstreams }: ServiceHealth): ServiceHealth {
  const counts = queue && { waiting: queue.waiting, running: queue.running };
  return { status, response_time, model, queue: counts, upstreams };
}

function answered({
  model,
  warnings,
  request_id,
}: {
  model: string;
  warnings: string[];
  request_id: string;
}) {
  return { model, warnings, request_id };
}

function timed({ start, end, word }: Schemas['Word']) {
  return { start, end, word };
}

/** Whom an API key speaks for: what the demo's sign-in asks. Throws Unauthenticated. */
export async function ownerOf(apiKey: string, options: Options = {}): Promise<Caller> {
  const settings = gatewaySettings();
  const request = { url: `${settings.url}/api/caller`, authorize: async () => `Bearer ${apiKey}` };
  const response = await call(request, { ...options, seconds: options.seconds ?? settings.seconds });
  const found = await json<Schemas['CallerAnswer']>(response);
  return { tenant: found.tenant, user: found.user ?? undefined, services: found.services ?? undefined };
}
