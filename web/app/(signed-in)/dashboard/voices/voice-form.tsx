'use client';

import { UserRoundPlus } from 'lucide-react';
import { useState } from 'react';
import { Source } from '@/components/sound/source';
import { Combobox } from '@/components/ui/combobox';
import { Field } from '@/components/ui/field';
import { GoButton } from '@/components/ui/go-button';
import { Spoken } from '@/components/ui/states';
import type { Refused } from '@/lib/client/ask';
import type { Model } from '@/lib/shapes';
import { ConsentFields } from './consent-fields';
import { type Draft, elsewhere, languagesOf, problemAt } from './draft';

const MOST_BYTES = 20_000_000;

/** Seconds; the microphone ends a little before them, for a recording has no exact length. */
const LONGEST = 29;

interface VoiceFormProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  /** To whom the voice is lent. */
  tenant: string;
  models: Model[];
  working: boolean;
  failure: Refused | null;
  onAdd: () => void;
  onCancel: () => void;
}

export function VoiceForm({
  draft,
  change,
  tenant,
  models,
  working,
  failure,
  onAdd,
  onCancel,
}: VoiceFormProps) {
  const [silent, setSilent] = useState(false);
  const take = (file: File | null) => {
    setSilent(false);
    change({ file });
  };
  return (
    <form
      className="grid gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        setSilent(!draft.file);
        if (draft.file && !working) onAdd();
      }}
    >
      <Source
        file={draft.file}
        onFile={take}
        hint="6 to 30 seconds of one person who speaks, without music or others"
        mostBytes={MOST_BYTES}
        longest={LONGEST}
        error={silent ? 'Choose a recording, or make one, first.' : problemAt(failure, 'reference')}
      />
      <Field label="Name" hint="By which it is chosen." error={problemAt(failure, 'name')}>
        {(control) => (
          <input
            {...control}
            className="entry"
            required
            maxLength={100}
            autoComplete="off"
            value={draft.name}
            onChange={(event) => change({ name: event.target.value })}
          />
        )}
      </Field>
      <Field label="Language" optional error={problemAt(failure, 'language')}>
        {(control) => (
          <Combobox
            {...control}
            options={languagesOf(models)}
            value={draft.language}
            onChange={(language) => change({ language })}
          />
        )}
      </Field>
      <ConsentFields draft={draft} change={change} tenant={tenant} failure={failure} />
      <GoButton icon={UserRoundPlus} label="Add the voice" ready working={working} onCancel={onCancel} />
      {failure && !elsewhere(failure) && <Spoken>The voice was not added. {failure.error}</Spoken>}
    </form>
  );
}
