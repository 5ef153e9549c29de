/** What can be chosen of a model's voices and languages. */

import type { Option } from '@/components/ui/matching';
import { byName, languageName } from '@/lib/client/languages';
import type { Model } from '@/lib/shapes';

const OWN_LANGUAGE: Option = { value: '', label: 'The voice’s own, or English' };
const STANDARD_VOICE: Option = { value: '', label: 'Standard voice' };

export function languageOptions(model: Model | undefined): Option[] {
  const tags = byName(model?.languages ?? []);
  return [OWN_LANGUAGE, ...tags.map((tag) => ({ value: tag, label: languageName(tag), hint: tag }))];
}

/** The voices that a language does not name already; those of `language` first. */
export function voiceOptions(model: Model | undefined, language: string): Option[] {
  const languages = new Set(model?.languages ?? []);
  const voices = (model?.voices ?? []).filter((voice) => !languages.has(voice.id)).map(described);
  const fits = (voice: Described) =>
    language !== '' && shorter(voice.language) === shorter(language) ? 0 : 1;
  voices.sort((a, b) => fits(a) - fits(b));
  return [STANDARD_VOICE, ...voices.map(({ value, label, hint }) => ({ value, label, hint }))];
}

interface Described extends Option {
  language: string;
}

function described(voice: NonNullable<Model['voices']>[number]): Described {
  const kokoro = KOKORO.exec(voice.id);
  const language = voice.language ?? KOKORO_LANGUAGES[kokoro?.[1] ?? ''] ?? '';
  const sex = kokoro ? (kokoro[2] === 'f' ? 'woman' : 'man') : '';
  const hint = [language && languageName(language), sex].filter(Boolean).join(', ');
  return {
    value: voice.id,
    label: voice.name ?? titled(kokoro?.[3] ?? voice.id),
    hint: hint || undefined,
    language,
  };
}

/** Kokoro's names carry the language and the sex: `bf_emma` is a British woman. */
const KOKORO = /^([abefhijpz])([fm])_(\w+)$/;

const KOKORO_LANGUAGES: Record<string, string> = {
  a: 'en-us',
  b: 'en-gb',
  e: 'es',
  f: 'fr-fr',
  h: 'hi',
  i: 'it',
  j: 'ja',
  p: 'pt-br',
  z: 'zh',
};

const titled = (name: string) => name.charAt(0).toUpperCase() + name.slice(1);

const shorter = (tag: string) => tag.toLowerCase().split('-')[0] ?? '';
