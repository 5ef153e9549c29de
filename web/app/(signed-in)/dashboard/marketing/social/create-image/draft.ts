/** What is asked for: the fields of the form, and the request that they make. */

import { type Tuning, tuned, UNTUNED } from '@/components/pictures/tuning';
import { type Going, posted } from '@/lib/client/ask';

export interface Draft extends Tuning {
  prompt: string;
  size: string;
  count: number;
  /** The picture of one's own to begin with, by its id. */
  start: string | null;
  /** How much of that picture may change, 0 to 1. */
  strength: number;
}

export const BLANK: Draft = {
  prompt: '',
  ...UNTUNED,
  size: '1024x1024',
  count: 1,
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
  { size: 'auto', name: 'Auto', about: 'By the model' },
] as const;

/** Width by height of a size; of `auto` a square. */
export function proportions(size: string): [number, number] {
  const [width, height] = size.split('x').map(Number);
  return width && height ? [width, height] : [1, 1];
}

/** The route and the request of a draft. Fields that were left alone are left out. */
export function asked(draft: Draft, going: Going): [path: string, init: RequestInit] {
  const body = {
    prompt: draft.prompt.trim(),
    ...tuned(draft),
    size: draft.size === 'auto' ? undefined : draft.size,
    n: draft.count,
    stream: true,
  };
  if (draft.start === null) return ['/api/ai/generate-image', posted(body, going)];
  return [
    '/api/ai/image-to-image',
    posted({ ...body, artifact: draft.start, strength: draft.strength }, going),
  ];
}
