'use client';

import { WandSparkles } from 'lucide-react';
import type { KeyboardEvent } from 'react';
import { Advanced } from '@/components/pictures/advanced';
import { StyleSelect } from '@/components/pictures/style-select';
import { Choice } from '@/components/ui/choice';
import { Field } from '@/components/ui/field';
import { GoButton } from '@/components/ui/go-button';
import { errorAt, type Refused } from '@/lib/client/ask';
import type { Draft } from './draft';
import { SizePresets } from './size-presets';
import { StartPicture } from './start-picture';

interface PromptFormProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  working: boolean;
  failure: Refused | null;
  onCreate: () => void;
  onCancel: () => void;
}

const COUNTS = (['1', '2', '3', '4'] as const).map((value) => ({ value, label: value }));

export function PromptForm({ draft, change, working, failure, onCreate, onCancel }: PromptFormProps) {
  const ready = draft.prompt.trim() !== '';
  const quick = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.metaKey || event.ctrlKey) && ready && !working) onCreate();
  };
  return (
    <form
      className="grid gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready && !working) onCreate();
      }}
    >
      <Field label="Prompt" id="prompt" error={errorAt(failure, 'prompt')}>
        {(control) => (
          <textarea
            {...control}
            className="entry min-h-28 resize-y"
            rows={4}
            maxLength={4000}
            placeholder="a small red circle on the left of a blue background"
            value={draft.prompt}
            onChange={(event) => change({ prompt: event.target.value })}
            onKeyDown={quick}
          />
        )}
      </Field>
      {draft.start && (
        <StartPicture
          id={draft.start}
          strength={draft.strength}
          onStrength={(strength) => change({ strength })}
          onRemove={() => change({ start: null })}
        />
      )}
      <StyleSelect
        value={draft.style}
        error={errorAt(failure, 'style')}
        onChange={(style) => change({ style })}
      />
      <SizePresets value={draft.size} onChange={(size) => change({ size })} />
      <Choice
        legend="How many"
        value={String(draft.count) as '1'}
        options={COUNTS}
        onChange={(count) => change({ count: Number(count) })}
      />
      <Advanced value={draft} change={change} failure={failure} />
      <GoButton icon={WandSparkles} label="Create" ready={ready} working={working} onCancel={onCancel} />
    </form>
  );
}
