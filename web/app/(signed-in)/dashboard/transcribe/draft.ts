/** What one asks for on this page, and the request that it becomes. */

import type { Going } from '@/lib/client/ask';

/** Empty: what the service does by itself. */
export interface Draft {
  file: File | null;
  language: string;
  task: 'transcribe' | 'translate';
  words: boolean;
  names: string;
  model: string;
}

export const BLANK: Draft = {
  file: null,
  language: '',
  task: 'transcribe',
  words: true,
  names: '',
  model: '',
};

/** The file goes last: what belongs to it is read before it. */
export function asked({ file, ...draft }: Draft, going: Going): RequestInit {
  const body = new FormData();
  body.set('task', draft.task);
  body.set('timestamps', draft.words ? 'word' : 'segment');
  if (draft.language) body.set('language', draft.language);
  if (draft.names.trim()) body.set('hotwords', draft.names.trim());
  if (draft.model) body.set('model', draft.model);
  if (file) body.set('file', file, file.name);
  return { method: 'POST', body, ...going };
}
