import { AudioLines } from 'lucide-react';
import { Field } from '@/components/ui/field';
import { GoButton } from '@/components/ui/go-button';
import { Notice } from '@/components/ui/notice';
import { Slider } from '@/components/ui/slider';
import { errorAt, type Refused } from '@/lib/client/ask';
import { useModels } from '@/lib/client/models';
import { fine, whole } from '@/lib/client/words';
import { type Draft, MOST_CHARACTERS } from './draft';
import { FileAndModel } from './file-and-model';
import { VoiceFields } from './voice-fields';

interface SpeechFormProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  working: boolean;
  failure: Refused | null;
  onSpeak: () => void;
  onCancel: () => void;
}

export function SpeechForm({ draft, change, working, failure, onSpeak, onCancel }: SpeechFormProps) {
  const { models = [], failure: away, again } = useModels('text-to-speech');
  const model = models.find(({ id }) => id === draft.model) ?? models[0];
  const ready = draft.text.trim() !== '' && !working;
  const speak = () => {
    if (ready) onSpeak();
  };
  return (
    <form
      className="grid gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        speak();
      }}
    >
      <Field
        label="Text"
        hint={<CharactersUsed count={[...draft.text].length} />}
        error={errorAt(failure, 'text')}
      >
        {(control) => (
          <textarea
            {...control}
            className="entry min-h-40 resize-y"
            rows={7}
            maxLength={MOST_CHARACTERS}
            placeholder="Welcome. It is good to have you here."
            value={draft.text}
            onChange={(event) => change({ text: event.target.value })}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) speak();
            }}
          />
        )}
      </Field>
      {away && <Notice failure={away} onRetry={again} />}
      <VoiceFields draft={draft} change={change} failure={failure} model={model} />
      <Slider
        label="Speed"
        value={draft.speed}
        min={0.5}
        max={2}
        step={0.05}
        words={(speed) => (speed === 1 ? 'As the voice speaks' : `${fine(speed * 100)} %`)}
        onChange={(speed) => change({ speed })}
      />
      <FileAndModel draft={draft} change={change} failure={failure} models={models} model={model} />
      <GoButton icon={AudioLines} label="Speak" ready={ready} working={working} onCancel={onCancel} />
    </form>
  );
}

function CharactersUsed({ count }: { count: number }) {
  return (
    <span className={count >= MOST_CHARACTERS ? 'text-warn' : undefined}>
      {whole(count)} of {whole(MOST_CHARACTERS)} characters
    </span>
  );
}
