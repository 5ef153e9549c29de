/** How a picture is made, beyond its words: the fields of forms, and what they come to in a request. */

export interface Tuning {
  negative: string;
  style: string;
  /** Empty: by chance. */
  seed: string;
  /** Empty, as guidance: what suits the model. */
  steps: string;
  guidance: string;
}

export const UNTUNED: Tuning = { negative: '', style: '', seed: '', steps: '', guidance: '' };

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

/** The request's fields; those that were left alone are undefined. */
export const tuned = ({ negative, style, seed, steps, guidance }: Tuning) => ({
  negative_prompt: negative.trim() || undefined,
  style: style || undefined,
  seed: numberOf(seed),
  num_inference_steps: numberOf(steps),
  guidance_scale: numberOf(guidance),
});

const numberOf = (words: string): number | undefined => (words.trim() === '' ? undefined : Number(words));
