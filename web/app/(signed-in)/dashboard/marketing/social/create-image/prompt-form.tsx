'use client';

import { Square, WandSparkles } from 'lucide-react';
import type { KeyboardEvent } from 'react';
import { Button } from '@/components/ui/button';
import { Choice } from '@/components/ui/choice';
import { Field } from '@/components/ui/field';
import type { Refused } from '@/lib/client/ask';
import { title } from '@/lib/client/words';
import { Advanced } from './advanced';
import { type Draft, STYLES } from './draft';
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
      <Field label="Prompt" error={errorAt(failure, 'prompt')}>
        {(control) => (
          <textarea
            {...control}
            id="prompt"
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
      <Field label="Style" error={errorAt(failure, 'style')}>
        {(control) => (
          <select
            {...control}
            className="entry"
            value={draft.style}
            onChange={(event) => change({ style: event.target.value })}
          >
            <option value="">As the prompt says</option>
            {STYLES.map((style) => (
              <option key={style} value={style}>
                {title(style)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <SizePresets value={draft.size} onChange={(size) => change({ size })} />
      <Choice
        legend="How many"
        value={String(draft.count) as '1'}
        options={COUNTS}
        onChange={(count) => change({ count: Number(count) })}
      />
      <Advanced draft={draft} change={change} failure={failure} />
      {working ? (
        <Button onClick={onCancel} className="w-full">
          <Square aria-hidden className="size-4" /> Cancel
        </Button>
      ) : (
        <Button type="submit" look="primary" className="w-full" disabled={!ready}>
          <WandSparkles aria-hidden className="size-4" /> Create
        </Button>
      )}
    </form>
  );
}

/** What the answer said about one field. */
export function errorAt(failure: Refused | null, field: string): string | undefined {
  return failure?.field === field ? failure.error : undefined;
}
