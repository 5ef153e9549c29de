import { Choice } from '@/components/ui/choice';
import { Field } from '@/components/ui/field';
import { More } from '@/components/ui/more';
import { errorAt, type Refused } from '@/lib/client/ask';
import type { Model } from '@/lib/shapes';
import { type Draft, FORMATS } from './draft';

interface FileAndModelProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  failure: Refused | null;
  models: Model[];
  model: Model | undefined;
}

/** What is rarely changed: the kind of file, and the model, whose voices and languages are its own. */
export function FileAndModel({ draft, change, failure, models, model }: FileAndModelProps) {
  return (
    <More label="Model and file">
      <Choice
        legend="File"
        value={draft.format}
        options={FORMATS.map((format) => ({ value: format, label: format }))}
        onChange={(format) => change({ format })}
      />
      <Field label="Model" error={errorAt(failure, 'model')} hint={model?.note}>
        {(control) => (
          <select
            {...control}
            className="entry"
            value={model?.id ?? ''}
            onChange={(event) => change({ model: event.target.value, voice: '', language: '' })}
          >
            {models.map(({ id }) => (
              <option key={id}>{id}</option>
            ))}
          </select>
        )}
      </Field>
    </More>
  );
}
