import { Brush } from 'lucide-react';
import { Advanced } from '@/components/pictures/advanced';
import { StyleSelect } from '@/components/pictures/style-select';
import { Choice } from '@/components/ui/choice';
import { Field } from '@/components/ui/field';
import { GoButton } from '@/components/ui/go-button';
import { Slider } from '@/components/ui/slider';
import { errorAt, type Refused } from '@/lib/client/ask';
import type { Change } from './change';

const PARTS = [
  { value: 'all', label: 'All of it' },
  { value: 'part', label: 'A painted part' },
] as const;

interface ChangeFormProps {
  change: Change;
  onChange: (part: Partial<Change>) => void;
  ready: boolean;
  working: boolean;
  failure: Refused | null;
  onMake: () => void;
  onCancel: () => void;
}

export function ChangeForm({ change, onChange, ready, working, failure, onMake, onCancel }: ChangeFormProps) {
  return (
    <form
      className="grid gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready && !working) onMake();
      }}
    >
      <Field label="What it should show" error={errorAt(failure, 'prompt')}>
        {(control) => (
          <textarea
            {...control}
            className="entry min-h-24 resize-y"
            rows={3}
            maxLength={4000}
            placeholder="a large green star on a white background"
            value={change.prompt}
            onChange={(event) => onChange({ prompt: event.target.value })}
          />
        )}
      </Field>
      <Choice
        legend="What may change"
        value={change.part ? 'part' : 'all'}
        options={PARTS}
        onChange={(value) => onChange({ part: value === 'part' })}
      />
      {!change.part && (
        <Slider
          label="How much"
          value={change.strength}
          min={0.05}
          max={1}
          step={0.05}
          words={(value) => `${Math.round(value * 100)} %`}
          onChange={(strength) => onChange({ strength })}
        />
      )}
      <StyleSelect
        value={change.style}
        error={errorAt(failure, 'style')}
        onChange={(style) => onChange({ style })}
      />
      <Advanced value={change} change={onChange} failure={failure} />
      <GoButton icon={Brush} label="Change it" ready={ready} working={working} onCancel={onCancel} />
    </form>
  );
}
