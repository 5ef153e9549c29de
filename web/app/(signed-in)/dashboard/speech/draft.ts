/** What one asks for on this page, and the request that it becomes. */

import { type Going, posted } from '@/lib/client/ask';

export const MOST_CHARACTERS = 50_000;

export const FORMATS = ['mp3', 'wav', 'flac', 'opus', 'aac'] as const;

/** Empty: what the service does by itself. */
export interface Draft {
  text: string;
  language: string;
  voice: string;
  model: string;
  speed: number;
  format: (typeof FORMATS)[number];
}

export const BLANK: Draft = { text: '', language: '', voice: '', model: '', speed: 1, format: 'mp3' };

export const asked = (draft: Draft, going: Going): RequestInit =>
  posted(
    {
      text: draft.text,
      language: draft.language || undefined,
      voice: draft.voice || undefined,
      model: draft.model || undefined,
      speed: draft.speed,
      response_format: draft.format,
    },
    going,
  );
