import { Combobox } from '@/components/ui/combobox';
import { Field } from '@/components/ui/field';
import { More } from '@/components/ui/more';
import { errorAt, type Refused } from '@/lib/client/ask';
import { byName, languageName } from '@/lib/client/languages';
import type { Model } from '@/lib/shapes';
import type { Draft } from './draft';

interface HearOptionsProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  failure: Refused | null;
  models: Model[];
}

const FIND_OUT = { value: '', label: 'Find out by listening' };

/** Language and names to expect; behind a line the times of words and the model. */
export function HearOptions({ draft, change, failure, models }: HearOptionsProps) {
  const model = models.find(({ id }) => id === draft.model) ?? models[0];
  const languages = byName(model?.languages ?? []).map((tag) => ({
    value: tag,
    label: languageName(tag),
    hint: tag,
  }));
  return (
    <>
      <Field label="Language spoken" error={errorAt(failure, 'language')}>
        {(control) => (
          <Combobox
            {...control}
            options={[FIND_OUT, ...languages]}
            value={draft.language}
            onChange={(language) => change({ language })}
          />
        )}
      </Field>
      <Field
        label="Names to expect"
        optional
        hint="Names and rare words that come up, with commas between them."
        error={errorAt(failure, 'hotwords')}
      >
        {(control) => (
          <input
            {...control}
            className="entry"
            maxLength={1000}
            placeholder="Ada Lovelace, Atelier"
            value={draft.names}
            onChange={(event) => change({ names: event.target.value })}
          />
        )}
      </Field>
      <More label="Times and model">
        <label className="flex min-h-11 items-center gap-3 text-[0.9375rem]">
          <input
            type="checkbox"
            className="size-5 accent-accent"
            checked={draft.words}
            onChange={(event) => change({ words: event.target.checked })}
          />
          Find the time of every word
        </label>
        <Field label="Model" error={errorAt(failure, 'model')} hint={model?.note}>
          {(control) => (
            <select
              {...control}
              className="entry"
              value={model?.id ?? ''}
              onChange={(event) => change({ model: event.target.value, language: '' })}
            >
              {models.map(({ id }) => (
                <option key={id}>{id}</option>
              ))}
            </select>
          )}
        </Field>
      </More>
    </>
  );
}
