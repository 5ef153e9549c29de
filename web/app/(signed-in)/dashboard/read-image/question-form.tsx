import { ScanText } from 'lucide-react';
import { Choice } from '@/components/ui/choice';
import { Field } from '@/components/ui/field';
import { GoButton } from '@/components/ui/go-button';
import { errorAt, type Refused } from '@/lib/client/ask';

export interface Asked {
  task: 'caption' | 'ocr' | 'both';
  question: string;
}

const TASKS = [
  { value: 'both', label: 'Both' },
  { value: 'caption', label: 'What it shows' },
  { value: 'ocr', label: 'Its text' },
] as const;

interface QuestionFormProps {
  asked: Asked;
  onChange: (asked: Asked) => void;
  ready: boolean;
  working: boolean;
  failure: Refused | null;
  onRead: () => void;
  onCancel: () => void;
}

export function QuestionForm({
  asked,
  onChange,
  ready,
  working,
  failure,
  onRead,
  onCancel,
}: QuestionFormProps) {
  return (
    <form
      className="grid gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready && !working) onRead();
      }}
    >
      <Choice
        legend="Read"
        value={asked.task}
        options={TASKS}
        onChange={(task) => onChange({ ...asked, task })}
      />
      {asked.task !== 'ocr' && (
        <Field label="Question" optional error={errorAt(failure, 'question')}>
          {(control) => (
            <input
              {...control}
              className="entry"
              placeholder="What colour is the background?"
              maxLength={4000}
              value={asked.question}
              onChange={(event) => onChange({ ...asked, question: event.target.value })}
            />
          )}
        </Field>
      )}
      <GoButton icon={ScanText} label="Read" ready={ready} working={working} onCancel={onCancel} />
    </form>
  );
}
