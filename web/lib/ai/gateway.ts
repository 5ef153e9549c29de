/**
 * The AI services, for the server side of an app. Everything takes the caller first (what `session()` gives) and may
 * be aborted, timed and repeated as `Options` say; everything that fails throws one of the classes in errors.ts.
 * `USE_AI_GATEWAY` says whether Atelier answers, or an OpenAI-compatible provider in its place.
 */

import 'server-only';
import { atelier } from './atelier';
import type { Backend, FileQuery } from './backend';
import type { Caller, Options } from './caller';
import type {
  Answer,
  ArtifactQuery,
  EditInput,
  Form,
  PictureInput,
  PictureStream,
  Pictures,
  ReadingInput,
  Speech,
  SpeechInput,
  SpeechStream,
} from './input';
import { provider } from './provider';
import { usesGateway } from './settings';

export type { Caller, Form, Options, PictureStream, SpeechStream };
export type Whole<Input> = Answer<Input, Pictures, PictureStream>;
export type Spoken<Input> = Answer<Input, Speech, SpeechStream>;

const backend = (): Backend => (usesGateway() ? atelier : provider);

/** Pictures from words; with `stream: true`, previews while they are made. */
export const textToImage = async <Input extends PictureInput>(
  caller: Caller,
  input: Input,
  options: Options = {},
) => backend().textToImage(caller, input, options) as Promise<Whole<Input>>;

/** Pictures from a picture (a form's `file`, or an artifact) and words; `stream: true` as above. */
export const imageToImage = async <Input extends EditInput | Form>(
  caller: Caller,
  input: Input,
  options: Options = {},
) => backend().imageToImage(caller, input, options) as Promise<Whole<Input>>;

/** A recording of a text; with `stream: true`, its bytes while it is spoken. */
export const textToSpeech = async <Input extends SpeechInput>(
  caller: Caller,
  input: Input,
  options: Options = {},
) => backend().textToSpeech(caller, input, options) as Promise<Spoken<Input>>;

/** What a recording (a form's `file`) says, and when. */
export const speechToText = async (caller: Caller, form: Form, options: Options = {}) =>
  backend().speechToText(caller, form, options);

/** What a picture (a form's `file`, or an artifact) shows, answers to a question about it, or the text in it. */
export const imageToText = async (caller: Caller, input: ReadingInput | Form, options: Options = {}) =>
  backend().imageToText(caller, input, options);

/** What a month (`2026-01`; left out: the present one) came to, by service. */
export const usage = async (caller: Caller, month?: string, options: Options = {}) =>
  backend().usage(caller, month, options);

/** The same by day, service and model. */
export const usageDays = async (caller: Caller, month?: string, options: Options = {}) =>
  backend().usageDays(caller, month, options);

/** The caller's limits, and what is left of each. */
export const limits = async (caller: Caller, options: Options = {}) => backend().limits(caller, options);

/** The models that are ready. */
export const models = async (caller: Caller, options: Options = {}) => backend().models(caller, options);

/** The tenant's files, the newest first. */
export const artifacts = async (caller: Caller, query: ArtifactQuery = {}, options: Options = {}) =>
  backend().artifacts(caller, query, options);

/** The bytes of one, or the part that `range` names. */
export const artifactFile = async (
  caller: Caller,
  id: string,
  query: FileQuery = {},
  options: Options = {},
) => backend().artifactFile(caller, id, query, options);

export const deleteArtifact = async (caller: Caller, id: string, options: Options = {}) =>
  backend().deleteArtifact(caller, id, options);

/** The tenant's own voices. */
export const ownVoices = async (caller: Caller, options: Options = {}) =>
  backend().ownVoices(caller, options);

/** One more, from a form: `reference` (6 to 30 s of speech), `name`, `consent`, `consent_by`, `consent_at`, `language`. */
export const addVoice = async (caller: Caller, form: Form, options: Options = {}) =>
  backend().addVoice(caller, form, options);

/** The sound that a voice is learnt from. */
export const voiceRecording = async (caller: Caller, id: string, options: Options = {}) =>
  backend().voiceRecording(caller, id, options);

/** The voice and its recording. */
export const deleteVoice = async (caller: Caller, id: string, options: Options = {}) =>
  backend().deleteVoice(caller, id, options);

/** What there is for the caller. Asks nobody. Throws NotConfigured. */
export const features = (caller: Caller) => backend().features(caller);

/** How every service is. */
export const health = async (options: Options = {}) => backend().health(options);
