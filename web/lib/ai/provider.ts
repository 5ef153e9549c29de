/** Asks an OpenAI-compatible provider in the gateway's place. It keeps no files, counts nothing and has no limits. */

import 'server-only';
import type { Health, Model, Reading, Service, Speech, Transcript } from '@/lib/shapes';
import type { Backend } from './backend';
import { wholeOf } from './bounded';
import { call, json, type Request } from './call';
import { isUpload, type Options } from './caller';
import { InvalidInput, NotConfigured } from './errors';
import type { Form, PictureInput } from './input';
import { dataUri, notTaken, providedPictures } from './provider-pictures';
import { type ProviderSettings, providerSettings } from './settings';

const MOST_FORM_BYTES = 50_000_000;
const MOST_PREVIEWS = 3;
const VOICE = 'alloy';
const READ_ALL = 'Write down all text in this picture, line by line, and nothing else.';
const DESCRIBE = 'Describe this picture in one sentence.';

async function ask(
  path: string,
  options: Options,
  sent: Omit<Request, 'url' | 'authorize'> = {},
): Promise<Response> {
  const { url, key, seconds } = providerSettings();
  const authorize = async () => (key ? `Bearer ${key}` : undefined);
  return call({ url: url + path, ...sent, authorize }, { ...options, seconds: options.seconds ?? seconds });
}

/** Without a key that makes repeats safe: a provider may not know it. Nothing is charged twice. */
function post(path: string, input: object | FormData, options: Options, streamed = false): Promise<Response> {
  if (input instanceof FormData) return ask(path, options, { method: 'POST', body: input, streamed });
  const headers = { 'content-type': 'application/json' };
  return ask(path, options, { method: 'POST', headers, body: JSON.stringify(input), streamed });
}

/** For what the provider's answer leads to: the caller's time and signal, and nothing of the provider's own. */
function fetching({ signal, seconds, patience }: Options): Options & { seconds: number } {
  return { signal, seconds: seconds ?? providerSettings().seconds, patience };
}

type ModelSetting = 'imageModel' | 'speechModel' | 'transcriptionModel' | 'visionModel';

const VARIABLES: Record<ModelSetting, string> = {
  imageModel: 'AI_PROVIDER_IMAGE_MODEL',
  speechModel: 'AI_PROVIDER_SPEECH_MODEL',
  transcriptionModel: 'AI_PROVIDER_TRANSCRIPTION_MODEL',
  visionModel: 'AI_PROVIDER_VISION_MODEL',
};

const SERVICES: Record<ModelSetting, Service[]> = {
  imageModel: ['text-to-image', 'image-to-image'],
  speechModel: ['text-to-speech'],
  transcriptionModel: ['speech-to-text'],
  visionModel: ['image-to-text'],
};

function modelFor(setting: ModelSetting, wanted?: string | null): string {
  const model = wanted || providerSettings()[setting];
  if (model) return model;
  const name = VARIABLES[setting];
  throw new NotConfigured(
    `${name}: is not set, and USE_AI_GATEWAY is false; set it to the provider's name of a model`,
  );
}

function unavailable(what: string): NotConfigured {
  return new NotConfigured(
    `USE_AI_GATEWAY: is false, and ${what} are the gateway's; set USE_AI_GATEWAY=true`,
  );
}

async function fieldsOf(input: object | Form): Promise<FormData> {
  if ('artifact' in input) throw unavailable('artifacts');
  if (input instanceof FormData) return input;
  if (!isUpload(input)) throw new InvalidInput('file: send a file as a part of a form', { field: 'file' });
  const form = await wholeOf(input.form, MOST_FORM_BYTES);
  const sent = new Response(form, { headers: { 'content-type': input.contentType } });
  return sent.formData().catch(() => {
    throw new InvalidInput('body: cannot be read as a form with parts', { field: 'body' });
  });
}

function fileOf(form: FormData): File {
  const file = form.get('file');
  if (file instanceof File) return file;
  throw new InvalidInput('file: is required; send it as a part of the form', { field: 'file' });
}

const textOf = (form: FormData, name: string) => form.get(name)?.toString() || undefined;

/** How many previews to ask for; 0 sends none of the fields that a provider without them refuses. */
function previewsOf(stream: boolean, wanted = MOST_PREVIEWS): number {
  return stream && providerSettings().previews ? Math.min(wanted, MOST_PREVIEWS) : 0;
}

function drawn({ prompt, n, size, output_format, model }: PictureInput, previews: number) {
  const streamed = previews ? { stream: true, partial_images: previews } : {};
  return { model: modelFor('imageModel', model), prompt, n, size, output_format, ...streamed };
}

export const provider: Backend = {
  async textToImage(_, input, options) {
    const stream = input.stream ?? false;
    const previews = previewsOf(stream, input.partial_images);
    const sent = drawn(input, previews);
    const response = await post('/images/generations', sent, options, previews > 0);
    const asked = { warnings: notTaken(Object.keys(input)), stream, previews, model: sent.model };
    return providedPictures(response, asked, fetching(options));
  },

  async imageToImage(_, input, options) {
    const form = await fieldsOf(input);
    const stream = textOf(form, 'stream') === 'true';
    const sent = new FormData();
    const model = modelFor('imageModel', textOf(form, 'model'));
    const fields = {
      model,
      prompt: textOf(form, 'prompt'),
      n: textOf(form, 'n'),
      size: textOf(form, 'size'),
    };
    for (const [name, value] of Object.entries(fields)) if (value) sent.set(name, value);
    sent.set('image', fileOf(form));
    const mask = form.get('mask');
    if (mask instanceof File) sent.set('mask', mask);
    const previews = previewsOf(stream);
    if (previews) {
      sent.set('stream', 'true');
      sent.set('partial_images', String(previews));
    }
    const response = await post('/images/edits', sent, options, previews > 0);
    const asked = { warnings: notTaken(form.keys()), stream, previews, model };
    return providedPictures(response, asked, fetching(options));
  },

  async textToSpeech(_, input, options) {
    const { text, voice, speed, response_format = 'mp3', language } = input;
    const model = modelFor('speechModel', input.model);
    const spoken = voice ?? providerSettings().voice ?? VOICE;
    const body = { model, input: text, voice: spoken, speed, response_format };
    const response = await post('/audio/speech', body, options, input.stream);
    const media_type = response.headers.get('content-type') ?? `audio/${response_format}`;
    const request_id = response.headers.get('x-request-id') ?? '';
    if (input.stream && response.body) return { audio: response.body, media_type, request_id };
    const url = await dataUri(response, media_type);
    const duration = Number(response.headers.get('x-audio-duration') ?? 0);
    const warnings = language ? ['language: the provider does not take it'] : [];
    const made = { id: '', url, duration, media_type, voice: spoken, language: language ?? '' };
    return { ...made, model, warnings, request_id } satisfies Speech;
  },

  async speechToText(_, input, options) {
    const form = await fieldsOf(input);
    const model = modelFor('transcriptionModel', textOf(form, 'model'));
    const sent = new FormData();
    sent.set('file', fileOf(form));
    sent.set('model', model);
    sent.set('response_format', 'verbose_json');
    const translated = textOf(form, 'task') === 'translate';
    const words = textOf(form, 'timestamps') === 'word' && !translated;
    for (const name of translated ? ['prompt'] : ['language', 'prompt']) {
      const value = textOf(form, name);
      if (value) sent.set(name, value);
    }
    for (const kind of words ? ['segment', 'word'] : []) sent.append('timestamp_granularities[]', kind);
    const response = await post(translated ? '/audio/translations' : '/audio/transcriptions', sent, options);
    const { text, language, duration, segments } = await json<Partial<Transcript>>(response);
    const told = {
      text: text ?? '',
      language: language ?? '',
      duration: Number(duration ?? 0),
      segments: segments ?? [],
    };
    return { ...told, model, warnings: [], request_id: response.headers.get('x-request-id') ?? '' };
  },

  async imageToText(_, input, options) {
    const form = await fieldsOf(input);
    const model = modelFor('visionModel', textOf(form, 'model'));
    const ocr = textOf(form, 'task') === 'ocr';
    const question = ocr ? READ_ALL : (textOf(form, 'question') ?? DESCRIBE);
    const file = fileOf(form);
    const picture = { type: 'image_url', image_url: { url: await dataUri(file, file.type || 'image/png') } };
    const messages = [{ role: 'user', content: [{ type: 'text', text: question }, picture] }];
    const response = await post('/chat/completions', { model, messages }, options);
    const { choices } = await json<{ choices: { message: { content: string } }[] }>(response);
    const said = choices[0]?.message.content ?? '';
    const read = {
      caption: ocr ? null : said,
      ocr_text: ocr ? said : null,
      ocr_lines: null,
      rotation: 0,
      pages: 1,
    };
    return {
      ...read,
      model,
      warnings: [],
      request_id: response.headers.get('x-request-id') ?? '',
    } satisfies Reading;
  },

  async models() {
    return configured(providerSettings());
  },

  async health(options) {
    const began = performance.now();
    await ask('/models', { seconds: 5, patience: 0, ...options });
    const response_time = Math.round(performance.now() - began);
    const well = configured(providerSettings()).flatMap(({ id, services }) =>
      services.map((service) => [
        service,
        { status: 'healthy', response_time, model: id, queue: null, upstreams: 1 },
      ]),
    );
    return {
      status: 'healthy',
      services: Object.fromEntries(well),
      timestamp: new Date().toISOString(),
    } as Health;
  },

  features() {
    const settings = providerSettings();
    const services = configured(settings).flatMap((model) => model.services);
    const none = { artifacts: false, deleting: false, usage: false, limits: false, voices: false };
    return { services, ...none, previews: settings.previews };
  },

  usage: async () => Promise.reject(unavailable('usage records')),
  usageDays: async () => Promise.reject(unavailable('usage records')),
  limits: async () => Promise.reject(unavailable('limits')),
  artifacts: async () => Promise.reject(unavailable('artifacts')),
  artifactFile: async () => Promise.reject(unavailable('artifacts')),
  deleteArtifact: async () => Promise.reject(unavailable('artifacts')),
  ownVoices: async () => Promise.reject(unavailable('voices of your own')),
  addVoice: async () => Promise.reject(unavailable('voices of your own')),
  voiceRecording: async () => Promise.reject(unavailable('voices of your own')),
  deleteVoice: async () => Promise.reject(unavailable('voices of your own')),
};

function configured(settings: ProviderSettings): Model[] {
  return (Object.keys(VARIABLES) as ModelSetting[]).flatMap((setting) => {
    const [service] = SERVICES[setting];
    const id = settings[setting];
    return id && service ? [{ id, service, services: SERVICES[setting] }] : [];
  });
}
