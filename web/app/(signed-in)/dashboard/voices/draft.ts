/** A voice as it is filled in on this page, and the request that it becomes. */

import type { Option } from '@/components/ui/matching';
import { errorAt, type Going, type Refused } from '@/lib/client/ask';
import { byName, languageName } from '@/lib/client/languages';
import type { Model } from '@/lib/shapes';

/** `language` empty: none of its own. `statement` null: the usual one. `on`: a day, such as 2026-01-31. */
export interface Draft {
  file: File | null;
  name: string;
  language: string;
  by: string;
  on: string;
  statement: string | null;
  agreed: boolean;
}

/** The day is filled in by the browser, whose calendar it is of. */
export const BLANK: Draft = {
  file: null,
  name: '',
  language: '',
  by: '',
  on: '',
  statement: null,
  agreed: false,
};

/** Of a form's fields: what the page has a place for. */
const FIELDS = ['reference', 'name', 'language', 'consent', 'consent_by', 'consent_at'] as const;

export type Field = (typeof FIELDS)[number];

const NO_LANGUAGE: Option = { value: '', label: 'Any: each text says' };
const KEPT_LANGUAGE = /^(?=.{2,20}$)[a-z]{2,3}([-_][a-z0-9]+)*$/i;

/** What the models speak that can learn a voice; where none can, what any speaks. */
export function languagesOf(models: readonly Model[]): Option[] {
  const cloning = models.filter(({ clones }) => clones);
  const tags = (cloning.length > 0 ? cloning : models).flatMap(({ languages }) => languages ?? []);
  const kept = byName(tags.filter((tag) => KEPT_LANGUAGE.test(tag)));
  return [NO_LANGUAGE, ...kept.map((tag) => ({ value: tag, label: languageName(tag), hint: tag }))];
}

/** What somebody says who lends a voice to `tenant`. */
export const usualStatement = (by: string, tenant: string): string =>
  `I am ${by.trim() || '…'}, and it is me who speaks in this recording. I agree that ${tenant} makes a voice ` +
  'from it, and lets that voice speak texts that I never said.';

export const statementOf = ({ statement, by }: Draft, tenant: string): string =>
  statement ?? usualStatement(by, tenant);

/** The file goes last: what belongs to it is read before it. */
export function asked(draft: Draft, tenant: string, going: Going): RequestInit {
  const body = new FormData();
  body.set('name', draft.name.trim());
  if (draft.language) body.set('language', draft.language);
  body.set('consent', statementOf(draft, tenant));
  body.set('consent_by', draft.by.trim());
  body.set('consent_at', draft.on);
  if (draft.file) body.set('reference', draft.file, draft.file.name);
  return { method: 'POST', body, ...going };
}

/** What a refusal says of a field that is seen on the page, as a sentence: `name: is taken` → `Is taken`. */
export function problemAt(failure: Refused | null, field: Field): string | undefined {
  const said = errorAt(failure, field)?.replace(`${field}: `, '');
  return said && said.charAt(0).toUpperCase() + said.slice(1);
}

/** What is wrong at no field of the page. */
export const elsewhere = (failure: Refused | null): Refused | null =>
  failure && FIELDS.some((field) => field === failure.field) ? null : failure;

/** 2026-01-31, in the browser's calendar. */
export function today(): string {
  const now = new Date();
  return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}
