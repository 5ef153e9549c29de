/** What the app's own routes answer with, and its pages read. The gateway's wider shapes are in lib/ai. */

export const SERVICES = [
  'text-to-image',
  'text-to-speech',
  'speech-to-text',
  'image-to-image',
  'image-to-text',
] as const;

export type Service = (typeof SERVICES)[number];

/**
 * What there is for the one who is signed in: pages leave out the rest. An OpenAI-compatible provider keeps and counts
 * nothing, and a key may be for some services alone.
 */
export interface Features {
  /** Those that may be used. */
  services: Service[];
  /** What is made is kept: it has an id, a link, a place in the history, and can be started from. */
  artifacts: boolean;
  /** It can be deleted, too. */
  deleting: boolean;
  usage: boolean;
  limits: boolean;
  /** The tenant may have voices of its own. */
  voices: boolean;
  /** Pictures are shown while they are made. */
  previews: boolean;
}

/** Every answer that is not a success. `retry_after` is in seconds. */
export interface Failure {
  error: string;
  code: string;
  field?: string;
  retry_after?: number;
  request_id?: string;
}

interface Answered {
  model: string;
  warnings: string[];
  request_id: string;
}

/** `url` leads through the app: it works for the signed-in tenant alone. */
export interface Picture {
  id: string;
  url: string;
  seed: number | null;
  width: number;
  height: number;
}

export interface Pictures extends Answered {
  images: Picture[];
  revised_prompt: string | null;
}

/** What a picture that is being made sends, one JSON object an event. `image` is a data URI, `status` what would have
 * been answered had it failed at once. */
export type PictureEvent =
  | { type: 'preview'; index: number; step: number; steps: number; image: string }
  | ({ type: 'done' } & Pictures)
  | ({ type: 'error'; status: number } & Failure);

/** `duration` in seconds. */
export interface Speech extends Answered {
  id: string;
  url: string;
  duration: number;
  media_type: string;
  voice: string;
  language: string;
}

/** Times in seconds from the start. */
export interface Word {
  start: number;
  end: number;
  word: string;
}

export interface Segment {
  start: number;
  end: number;
  text: string;
  words?: Word[] | null;
}

export interface Transcript extends Answered {
  text: string;
  language: string;
  duration: number;
  segments: Segment[];
}

/** `box`: four corners in pixels of the picture as it was sent, clockwise from the line's own top left. */
export interface OcrLine {
  text: string;
  box: [number, number][];
  confidence: number;
  page?: number;
}

export interface Reading extends Answered {
  caption: string | null;
  ocr_text: string | null;
  ocr_lines: OcrLine[] | null;
  rotation: number;
  pages: number;
}

export interface Artifact {
  id: string;
  url: string;
  media_type: string;
  bytes: number;
  created_at: string;
  expires_at: string | null;
  request_id: string;
  service: Service | null;
}

export interface ArtifactPage {
  artifacts: Artifact[];
  next: string | null;
}

/** A day's use of one service by one model. `unit` is what `units` counts. */
export interface UsageDay {
  day: string;
  service: Service;
  model: string;
  requests: number;
  failed: number;
  units: number;
  unit: string;
  cost: number;
}

export interface UsageDays {
  month: string;
  days: UsageDay[];
}

/** A limit of the caller. `per` is null for what is held at once; `resets_in` in seconds; service `*` is all together. */
export interface Limit {
  service: string;
  measure: 'requests' | 'units' | 'cost' | 'concurrent';
  unit: string;
  per: 'second' | 'minute' | 'hour' | 'day' | 'month' | null;
  allowed: number;
  left: number;
  resets_in: number;
}

export interface Model {
  id: string;
  service: Service;
  services: Service[];
  note?: string | null;
  voices?: { id: string; name?: string; language?: string }[] | null;
  languages?: string[] | null;
  /** It speaks with the voice of a recording. */
  clones?: boolean;
}

/** A voice of the tenant's own, learnt from a recording of `seconds`. */
export interface OwnVoice {
  id: string;
  name: string;
  language: string | null;
  seconds: number;
  consent: { statement: string; by: string; at: string };
  created_at: string;
}

/** The oldest first. `most`: how many there may be. */
export interface OwnVoices {
  voices: OwnVoice[];
  most: number;
}

/** `response_time` in milliseconds. */
export interface ServiceHealth {
  status: 'healthy' | 'starting' | 'degraded' | 'unhealthy';
  response_time: number | null;
  model: string | null;
  queue: { waiting: number; running: number } | null;
  upstreams: number;
}

export interface Health {
  status: 'healthy' | 'degraded' | 'unhealthy';
  services: Record<string, ServiceHealth>;
  timestamp: string;
}
