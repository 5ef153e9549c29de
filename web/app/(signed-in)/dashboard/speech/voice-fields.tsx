import { Choice } from '@/components/ui/choice';
import { Combobox } from '@/components/ui/combobox';
import { Field } from '@/components/ui/field';
import { More } from '@/components/ui/more';
import { Notice } from '@/components/ui/notice';
import { errorAt, type Refused } from '@/lib/client/ask';
import { useModels } from '@/lib/client/models';
import { plural } from '@/lib/client/words';
import { type Draft, FORMATS } from './draft';
import { languageOptions, voiceOptions } from './voices';

interface VoiceFieldsProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  failure: Refused | null;
}

/** Who speaks: language and voice, and behind a line the model and the kind of file. */
export function VoiceFields({ draft, change, failure }: VoiceFieldsProps) {
  const { models = [], failure: away, again } = useModels('text-to-speech');
  const model = models.find(({ id }) => id === draft.model) ?? models[0];
  const languages = languageOptions(model);
  const voices = voiceOptions(model, draft.language);
  return (
    <>
      {away && <Notice failure={away} onRetry={again} />}
      <Field
        label="Language"
        error={errorAt(failure, 'language')}
        hint={
          languages.length > 20 ? `${plural(languages.length - 1, 'language')}: type to find one.` : undefined
        }
      >
        {(control) => (
          <Combobox
            {...control}
            options={languages}
            value={draft.language}
            onChange={(language) => change({ language })}
          />
        )}
      </Field>
      <Field label="Voice" error={errorAt(failure, 'voice')}>
        {(control) => (
          <Combobox
            {...control}
            options={voices}
            value={draft.voice}
            onChange={(voice) => change({ voice })}
          />
        )}
      </Field>
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
    </>
  );
}
