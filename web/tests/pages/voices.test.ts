import { expect, test } from 'vitest';
import { languageOptions, voiceOptions } from '@/app/(signed-in)/dashboard/speech/voices';
import type { Model } from '@/lib/shapes';

const model = (voices: string[], languages: string[]): Model => ({
  id: 'm',
  service: 'text-to-speech',
  services: ['text-to-speech'],
  voices: voices.map((id) => ({ id })),
  languages,
});

test('voices that only say a language are chosen as languages', () => {
  const espeak = model(['alloy', 'af', 'de'], ['af', 'de']);
  expect(voiceOptions(espeak, '').map(({ value }) => value)).toEqual(['', 'alloy']);
  expect(languageOptions(espeak).map(({ label }) => label)).toEqual([
    'The voice’s own, or English',
    'Afrikaans',
    'German',
  ]);
});

test('the names of Kokoro are read out, and those of the chosen language come first', () => {
  const kokoro = model(['af_heart', 'bm_george', 'ff_siwis'], ['en-us', 'en-gb', 'fr-fr']);
  expect(voiceOptions(kokoro, 'fr-fr').slice(1)).toEqual([
    { value: 'ff_siwis', label: 'Siwis', hint: 'French (France), woman' },
    { value: 'af_heart', label: 'Heart', hint: 'English (United States), woman' },
    { value: 'bm_george', label: 'George', hint: 'English (United Kingdom), man' },
  ]);
});

test('a voice keeps the name and the language that the model gives it', () => {
  const own: Model = { ...model([], ['de']), voices: [{ id: 'v1', name: 'Anna Sommer', language: 'de' }] };
  expect(voiceOptions(own, '')[1]).toEqual({ value: 'v1', label: 'Anna Sommer', hint: 'German' });
});

test('before the models are known there is the default alone', () => {
  expect([voiceOptions(undefined, ''), languageOptions(undefined)].map(({ length }) => length)).toEqual([
    1, 1,
  ]);
});
