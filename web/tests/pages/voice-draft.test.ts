import { expect, test } from 'vitest';
import {
  asked,
  BLANK,
  elsewhere,
  languagesOf,
  problemAt,
  statementOf,
} from '@/app/(signed-in)/dashboard/voices/draft';
import { Refused } from '@/lib/client/ask';
import type { Model } from '@/lib/shapes';

const speaks = (id: string, languages: string[], clones: boolean): Model => ({
  id,
  service: 'text-to-speech',
  services: ['text-to-speech'],
  languages,
  clones,
});

const refused = (field?: string) => new Refused(422, { error: `${field}: is taken`, code: 'x', field });

test('the languages of a voice are those of the models that learn voices, where there are any', () => {
  const espeak = speaks('espeak-ng', ['af', 'chr-us-qaaa-x-west-and-more'], false);
  const values = (models: Model[]) => languagesOf(models).map(({ value }) => value);
  expect(values([espeak]), 'without tags that the gateway would not keep').toEqual(['', 'af']);
  expect(values([espeak, speaks('xtts', ['de', 'en'], true)])).toEqual(['', 'en', 'de']);
});

test('the usual statement has the name of who speaks, until another is written', () => {
  const draft = { ...BLANK, by: ' Ann Example ' };
  expect(statementOf(draft, 'acme')).toMatch(/^I am Ann Example, .* I agree that acme makes a voice/);
  expect(statementOf({ ...draft, statement: 'Yes, do.' }, 'acme')).toBe('Yes, do.');
});

test('what is sent is what is seen, and the recording goes last', () => {
  const file = new File(['x'], 'ann.wav');
  const draft = { ...BLANK, file, name: ' Ann ', by: 'Ann Example', on: '2026-01-31', agreed: true };
  const { body } = asked(draft, 'acme', {
    signal: new AbortController().signal,
    headers: { 'idempotency-key': '1' },
  });
  if (!(body instanceof FormData)) throw new Error('a form is sent');
  expect([...body.keys()]).toEqual(['name', 'consent', 'consent_by', 'consent_at', 'reference']);
  expect([body.get('name'), body.get('consent')]).toEqual(['Ann', statementOf(draft, 'acme')]);
});

test('a refusal is told at its field, and beside the form where it names none of them', () => {
  expect(problemAt(refused('name'), 'name')).toBe('Is taken');
  expect(problemAt(refused('name'), 'reference')).toBeUndefined();
  expect([elsewhere(refused('name')), elsewhere(null)]).toEqual([null, null]);
  expect(elsewhere(refused('body'))).toMatchObject({ field: 'body' });
});
