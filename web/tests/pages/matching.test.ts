import { expect, test } from 'vitest';
import { matching } from '@/components/ui/matching';

const OPTIONS = [
  { value: 'nb', label: 'Norwegian Bokmål' },
  { value: 'pt-br', label: 'Portuguese (Brazil)', hint: 'pt-br' },
  { value: 'mi', label: 'Māori' },
  { value: 'en-gb', label: 'English (United Kingdom)' },
  { value: 'gb', label: 'British' },
];

const found = (typed: string) => matching(OPTIONS, typed).map(({ value }) => value);

test('nothing typed leaves everything', () => {
  expect(found('  ')).toHaveLength(OPTIONS.length);
});

test('words are found by how they begin, in any order, whatever their accents', () => {
  expect(found('bokm')).toEqual(['nb']);
  expect(found('maori')).toEqual(['mi']);
  expect(found('king engl')).toEqual(['en-gb']);
  expect(found('rtug')).toEqual([]);
});

test('the tag is found too, and labels that begin with what was typed come first', () => {
  expect(found('pt')).toEqual(['pt-br']);
  expect(found('br')).toEqual(['gb', 'pt-br']);
});
