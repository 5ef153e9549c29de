import { Field } from '@/components/ui/field';
import type { Refused } from '@/lib/client/ask';
import { type Draft, problemAt, statementOf } from './draft';

interface ConsentFieldsProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  /** To whom the voice is lent. */
  tenant: string;
  failure: Refused | null;
}

/** Who agreed, when, and in which words: without it there is no voice. */
export function ConsentFields({ draft, change, tenant, failure }: ConsentFieldsProps) {
  return (
    <fieldset className="grid min-w-0 gap-4 border-t pt-5">
      <legend className="sr-only">Consent</legend>
      <div className="grid gap-4 sm:grid-cols-[minmax(0,1fr)_auto] lg:grid-cols-1 xl:grid-cols-[minmax(0,1fr)_auto]">
        <Field label="Who speaks" error={problemAt(failure, 'consent_by')}>
          {(control) => (
            <input
              {...control}
              className="entry"
              required
              maxLength={200}
              autoComplete="off"
              placeholder="First and last name"
              value={draft.by}
              onChange={(event) => change({ by: event.target.value })}
            />
          )}
        </Field>
        <Field label="Agreed on" error={problemAt(failure, 'consent_at')}>
          {(control) => (
            <input
              {...control}
              type="date"
              className="entry"
              required
              min="1970-01-02"
              value={draft.on}
              onChange={(event) => change({ on: event.target.value })}
            />
          )}
        </Field>
      </div>
      <Field
        label="In these words"
        hint="Write here what was said or signed, if it was something else."
        error={problemAt(failure, 'consent')}
      >
        {(control) => (
          <textarea
            {...control}
            className="entry resize-y"
            rows={5}
            required
            minLength={20}
            maxLength={4000}
            value={statementOf(draft, tenant)}
            onChange={(event) => change({ statement: event.target.value })}
          />
        )}
      </Field>
      <label className="flex items-start gap-3 text-[0.9375rem]">
        <input
          type="checkbox"
          required
          className="mt-0.5 size-5 shrink-0 accent-accent"
          checked={draft.agreed}
          onChange={(event) => change({ agreed: event.target.checked })}
        />
        <span className="text-pretty">
          Who speaks in the recording has agreed in these words. They are kept with the voice.
        </span>
      </label>
    </fieldset>
  );
}
