/** What each service takes, and the shape that a request to the app must have. The gateway checks the finer points. */

import { z } from 'zod';
import type { PictureEvent, Pictures, Reading, Speech, Transcript } from '@/lib/shapes';
import type { Upload } from './caller';

const model = z.string().min(1).max(200).optional();
const seed = z.int().min(0).max(4294967295).optional();
const artifact = z.uuid('must be the id of an artifact');

const drawing = {
  negative_prompt: z.string().max(4000).optional(),
  style: z.string().max(40).optional(),
  size: z
    .string()
    .regex(/^(auto|\d{2,4}x\d{2,4})$/, 'must be WIDTHxHEIGHT in pixels, such as 512x512, or auto')
    .optional(),
  n: z.int().min(1).max(8).optional(),
  seed,
  num_inference_steps: z.int().min(1).max(150).optional(),
  guidance_scale: z.number().min(0).max(30).optional(),
  model,
  output_format: z.enum(['png', 'jpeg', 'webp']).optional(),
  /** Previews of a stream. */
  partial_images: z.int().min(0).max(150).optional(),
  stream: z.boolean().optional(),
};

export const PictureInput = z.strictObject({
  prompt: z.string().trim().min(1, 'must not be empty').max(4000),
  ...drawing,
});

/** The start is an artifact of the caller's own; a file comes as a form. */
export const EditInput = z.strictObject({
  artifact,
  prompt: z.string().max(4000).optional(),
  strength: z.number().min(0).max(1).optional(),
  ...drawing,
});

export const SpeechInput = z.strictObject({
  text: z.string().trim().min(1, 'must not be empty').max(50000),
  language: z.string().max(35).optional(),
  voice: z.string().min(1).max(100).optional(),
  speed: z.number().min(0.25).max(4).optional(),
  response_format: z.enum(['wav', 'mp3', 'opus', 'aac', 'flac', 'pcm']).optional(),
  model,
  stream: z.boolean().optional(),
});

export const ReadingInput = z.strictObject({
  artifact,
  task: z.enum(['caption', 'ocr', 'both']).optional(),
  question: z.string().trim().min(1).max(4000).optional(),
  model,
});

export const Month = z.object({
  month: z
    .string()
    .regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'must look like 2026-01')
    .optional(),
});

export const ArtifactQuery = z.object({
  after: z.string().max(100).optional(),
  service: z
    .enum(['text-to-image', 'text-to-speech', 'speech-to-text', 'image-to-image', 'image-to-text'])
    .optional(),
  limit: z.coerce.number('must be 1 to 200').int().min(1).max(200).optional(),
});

export type PictureInput = z.infer<typeof PictureInput>;
export type EditInput = z.infer<typeof EditInput>;
export type SpeechInput = z.infer<typeof SpeechInput>;
export type ReadingInput = z.infer<typeof ReadingInput>;
export type ArtifactQuery = z.infer<typeof ArtifactQuery>;

/** A form with the part `file` and the fields of the service: made here, or as it came in. */
export type Form = FormData | Upload;

/** Pictures while they are made. Ends after `done`; throws AiError where it fails. */
export interface PictureStream {
  events: AsyncIterable<Exclude<PictureEvent, { type: 'error' }>>;
}

/** A recording while it is spoken. It is kept as the artifact of this request, if artifacts are kept. */
export interface SpeechStream {
  audio: ReadableStream<Uint8Array>;
  media_type: string;
  request_id: string;
}

/** `stream: true` answers with a stream; of a form that came in, only its answer tells. */
export type Answer<Input, Whole, Stream> = Input extends { stream: true }
  ? Stream
  : Input extends FormData | Upload | { stream?: boolean }
    ? Input extends { stream?: false }
      ? Whole
      : Whole | Stream
    : Whole;

export type { Pictures, Reading, Speech, Transcript };
