/** What should become of a picture, and the form that asks for it. */

import { type Tuning, tuned } from '@/components/pictures/tuning';

export interface Change extends Tuning {
  prompt: string;
  /** How much may change, 0 to 1. */
  strength: number;
  /** Only the painted part may. */
  part: boolean;
}

/** mask: a PNG as large as the picture, transparent where it may change; none changes all of it. */
export function formOf(file: File, change: Change, mask: File | null): FormData {
  const form = new FormData();
  const fields = {
    prompt: change.prompt.trim(),
    ...tuned(change),
    strength: mask ? undefined : change.strength,
    stream: true,
  };
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && value !== '') form.set(name, String(value));
  }
  form.set('file', file);
  if (mask) form.set('mask', mask);
  return form;
}
