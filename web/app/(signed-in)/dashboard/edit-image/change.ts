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
export async function formOf(file: File, change: Change, mask: File | null): Promise<FormData> {
  const form = new FormData();
  const fields = {
    prompt: change.prompt.trim(),
    ...tuned(change),
    strength: mask ? undefined : change.strength,
    size: await sizeOf(file),
    stream: true,
  };
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && value !== '') form.set(name, String(value));
  }
  form.set('file', file);
  if (mask) form.set('mask', mask);
  return form;
}

const LONGEST = 1536;

/** As large as the picture, in the multiples of 8 that models draw; a very large one is made smaller. */
async function sizeOf(file: File): Promise<string | undefined> {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) return undefined; // the gateway says what is wrong with it
  const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
  const side = (pixels: number) => Math.max(64, Math.round((pixels * scale) / 8) * 8);
  return `${side(bitmap.width)}x${side(bitmap.height)}`;
}
