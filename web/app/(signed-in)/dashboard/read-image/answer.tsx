import { clsx } from 'clsx';
import { CopyButton } from '@/components/ui/copy-button';
import { Panel } from '@/components/ui/panel';
import { Spoken, Warnings } from '@/components/ui/states';
import { plural } from '@/lib/client/words';
import type { OcrLine, Reading } from '@/lib/shapes';

interface AnswerProps {
  reading: Reading;
  chosen: number | null;
  onChoose: (line: number | null) => void;
}

/** What was read: the caption or answer, and the text line by line. */
export function Answer({ reading, chosen, onChoose }: AnswerProps) {
  return (
    <div className="grid gap-4">
      <Spoken>The picture is read.</Spoken>
      {reading.caption !== null && (
        <Panel className="grid gap-3">
          <div className="flex items-center justify-between gap-3">
            <h2>What it shows</h2>
            <CopyButton text={reading.caption} />
          </div>
          <p className="text-lg text-pretty">{reading.caption || 'The model had nothing to say.'}</p>
        </Panel>
      )}
      {reading.ocr_lines && (
        <Panel className="grid gap-3">
          <div className="flex items-center justify-between gap-3">
            <h2>
              Its text{' '}
              <span className="text-sm font-normal text-soft">
                {plural(reading.ocr_lines.length, 'line')}
              </span>
            </h2>
            {reading.ocr_text && <CopyButton text={reading.ocr_text} />}
          </div>
          {reading.ocr_lines.length === 0 ? (
            <p className="text-soft">No text was found.</p>
          ) : (
            <Lines lines={reading.ocr_lines} chosen={chosen} onChoose={onChoose} />
          )}
        </Panel>
      )}
      <p className="text-sm text-soft">{reading.model}</p>
      <Warnings warnings={reading.warnings} />
    </div>
  );
}

function Lines({ lines, chosen, onChoose }: { lines: OcrLine[] } & Pick<AnswerProps, 'chosen' | 'onChoose'>) {
  return (
    <ol className="grid">
      {lines.map((line, index) => (
        <li key={index}>
          <button
            type="button"
            onPointerEnter={() => onChoose(index)}
            onPointerLeave={() => onChoose(null)}
            onFocus={() => onChoose(index)}
            onBlur={() => onChoose(null)}
            onClick={() => onChoose(index)}
            className={clsx(
              'flex w-full items-baseline justify-between gap-4 rounded-md px-2 py-1.5 text-left',
              index === chosen ? 'bg-accent-wash' : '',
            )}
          >
            <span className="min-w-0 break-words">{line.text}</span>
            <span className="shrink-0 text-xs text-soft">{Math.round(line.confidence * 100)} % sure</span>
          </button>
        </li>
      ))}
    </ol>
  );
}
