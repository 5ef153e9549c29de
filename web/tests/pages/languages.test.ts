import { expect, test } from 'vitest';
import { byName, languageName } from '@/lib/client/languages';

test('tags become names, in whatever case', () => {
  expect(['de', 'pt-br', 'PT-BR', 'es-419', 'yue', 'cmn'].map(languageName)).toEqual([
    'German',
    'Portuguese (Brazil)',
    'Portuguese (Brazil)',
    'Spanish (Latin America)',
    'Cantonese',
    'Chinese (Mandarin)',
  ]);
});

test('tags that Intl cannot read have names of their own, or stay as they are', () => {
  expect(['en-gb-x-rp', 'piqd', 'vi-vn-x-south', 'not a tag', 'qq'].map(languageName)).toEqual([
    'English (Received Pronunciation)',
    'Klingon',
    'Vietnamese (Southern)',
    'not a tag',
    'qq',
  ]);
});

test('they are listed by name, once each', () => {
  expect(byName(['sv', 'de', 'sq', 'de'])).toEqual(['sq', 'de', 'sv']);
});
