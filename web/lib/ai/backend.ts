/** What answers: Atelier's gateway, or an OpenAI-compatible provider in its place. */

import type {
  ArtifactPage,
  Features,
  Health,
  Limit,
  Model,
  OwnVoice,
  OwnVoices,
  Pictures,
  Reading,
  Speech,
  Transcript,
  UsageDays,
} from '@/lib/shapes';
import type { Caller, Options } from './caller';
import type {
  ArtifactQuery,
  EditInput,
  Form,
  PictureInput,
  PictureStream,
  ReadingInput,
  SpeechInput,
  SpeechStream,
} from './input';
import type { UsageMonth } from './usage';

/** Which part of an artifact, and what of it is known already. `headOnly`: its headers without its bytes. */
export interface FileQuery {
  headOnly?: boolean;
  range?: string;
  ifRange?: string;
  ifNoneMatch?: string;
}

export interface Backend {
  textToImage(caller: Caller, input: PictureInput, options: Options): Promise<Pictures | PictureStream>;
  imageToImage(caller: Caller, input: EditInput | Form, options: Options): Promise<Pictures | PictureStream>;
  textToSpeech(caller: Caller, input: SpeechInput, options: Options): Promise<Speech | SpeechStream>;
  speechToText(caller: Caller, form: Form, options: Options): Promise<Transcript>;
  imageToText(caller: Caller, input: ReadingInput | Form, options: Options): Promise<Reading>;
  usage(caller: Caller, month: string | undefined, options: Options): Promise<UsageMonth>;
  usageDays(caller: Caller, month: string | undefined, options: Options): Promise<UsageDays>;
  limits(caller: Caller, options: Options): Promise<Limit[]>;
  models(caller: Caller, options: Options): Promise<Model[]>;
  artifacts(caller: Caller, query: ArtifactQuery, options: Options): Promise<ArtifactPage>;
  artifactFile(caller: Caller, id: string, query: FileQuery, options: Options): Promise<Response>;
  deleteArtifact(caller: Caller, id: string, options: Options): Promise<void>;
  ownVoices(caller: Caller, options: Options): Promise<OwnVoices>;
  addVoice(caller: Caller, form: Form, options: Options): Promise<OwnVoice>;
  voiceRecording(caller: Caller, id: string, options: Options): Promise<Response>;
  deleteVoice(caller: Caller, id: string, options: Options): Promise<void>;
  health(options: Options): Promise<Health>;
  features(caller: Caller): Features;
}
