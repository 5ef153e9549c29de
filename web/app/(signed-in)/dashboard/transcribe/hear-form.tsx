import { MessageSquareText } from 'lucide-react';
import { Source } from '@/components/sound/source';
import { Choice } from '@/components/ui/choice';
import { GoButton } from '@/components/ui/go-button';
import { Notice } from '@/components/ui/notice';
import type { Refused } from '@/lib/client/ask';
import { useModels } from '@/lib/client/models';
import type { Draft } from './draft';
import { HearOptions } from './hear-options';

interface HearFormProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  working: boolean;
  failure: Refused | null;
  onHear: () => void;
  onCancel: () => void;
}

const TASKS = [
  { value: 'transcribe', label: 'As it was spoken' },
  { value: 'translate', label: 'In English' },
] as const;

export function HearForm({ draft, change, working, failure, onHear, onCancel }: HearFormProps) {
  const { models = [], failure: away, again } = useModels('speech-to-text');
  return (
    <form
      className="grid gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        if (draft.file && !working) onHear();
      }}
    >
      <Source file={draft.file} onFile={(file) => change({ file })} />
      <Choice legend="Words" value={draft.task} options={TASKS} onChange={(task) => change({ task })} />
      {away && <Notice failure={away} onRetry={again} />}
      <HearOptions draft={draft} change={change} failure={failure} models={models} />
      <GoButton
        icon={MessageSquareText}
        label="Transcribe"
        ready={draft.file !== null}
        working={working}
        onCancel={onCancel}
      />
    </form>
  );
}
