/** What is asked for: the fields of the form, and the request that they make. */

import { posted } from '@/lib/client/ask';

export interface Draft {
  prompt: string;
  negative: string;
  style: string;
  size: string;
  count: number;
  /** Empty: by chance. */
  seed: string;
  /** Empty: what suits the model. */
  steps: string;
  guidance: string;
  /** The picture of one's own to begin with, by its id. */
  start: string | null;
  /** How much of that picture may change, 0 to 1. */
  strength: number;
}

export const BLANK: Draft = {
  prompt: '',
  negative: '',
  style: '',
  size: '1024x1024',
  count: 1,
  seed: '',
  steps: '',
  guidance: '',
  start: null,
  strength: 0.7,
};

/** What social networks ask for, in sizes that the models draw well: multiples of 8, about a megapixel. */
export const PRESETS = [
  { size: '1024x1024', name: 'Square', about: 'Post' },
  { size: '896x1120', name: '4:5', about: 'Portrait post' },
  { size: '768x1344', name: '9:16', about: 'Story, reel' },
  { size: '832x1248', name: '2:3', about: 'Pin' },
  { size: '1344x768', name: '16:9', about: 'Video cover' },
  { size: '1216x640', name: '1.9:1', about: 'Link preview' },
  { size: '1536x512', name: '3:1', about: 'Header' },
  { size: 'auto', name: 'Auto', about: 'The model’s own' },
] as const;

/** The gateway's styles: words that follow the prompt (docs/image-models.md). */
export const STYLES = [
  'realistic',
  'photographic',
  'cinematic',
  'artistic',
  'watercolor',
  'oil-painting',
  'pencil-sketch',
  'line-art',
  'digital-art',
  'concept-art',
  'comic-book',
  'cartoon',
  'anime',
  'pixel-art',
] as const;

/** Width by height of a size; of `auto` a square. */
export function proportions(size: string): [number, number] {
  const [width, height] = size.split('x').map(Number);
  return width && height ? [width, height] : [1, 1];
}

/** The route and the request of a draft. Fields that were left alone are left out. */
export function asked(draft: Draft, signal: AbortSignal): [path: string, init: RequestInit] {
  const body = {
    prompt: draft.prompt.trim(),
    negative_prompt: draft.negative.trim() || undefined,
    style: draft.style || undefined,
    size: draft.size === 'auto' ? undefined : draft.size,
    n: draft.count,
    seed: numberOf(draft.seed),
    num_inference_steps: numberOf(draft.steps),
    guidance_scale: numberOf(draft.guidance),
    stream: true,
  };
  if (draft.start === null) return ['/api/ai/generate-image', posted(body, signal)];
  return [
    '/api/ai/image-to-image',
    posted({ ...body, artifact: draft.start, strength: draft.strength }, signal),
  ];
}

const numberOf = (words: string): number | undefined => (words.trim() === '' ? undefined : Number(words));
