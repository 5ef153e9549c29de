'use client';

import { FileAudio, Mic, X } from 'lucide-react';
import { useEffect, useId, useRef } from 'react';
import { Button } from '@/components/ui/button';
import { size } from '@/lib/client/words';
import { useRecorder } from './recorder';
import { RecorderPanel } from './recorder-panel';
import { RecordingDrop } from './recording-drop';

interface SourceProps {
  file: File | null;
  onFile: (file: File | null) => void;
  /** What file it may be, and how large. */
  hint?: string;
  mostBytes?: number;
  /** Seconds after which the microphone is done. */
  longest?: number;
  /** What is wrong with the recording, in words. */
  error?: string;
}

/** Where the recording comes from: a file, or the microphone. */
export function Source({ file, onFile, hint, mostBytes, longest, error }: SourceProps) {
  const recorder = useRecorder(onFile, longest);
  const about = useId();
  const { is } = recorder.state;
  const busy = is === 'recording' || is === 'asking';
  const box = useKeptFocus(file ? 'chosen' : is);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would need a legend, and this needs only a name
    <div
      ref={box}
      role="group"
      aria-label="Recording"
      aria-describedby={error && about}
      tabIndex={-1}
      className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-3 rounded-xl"
    >
      {file && <Chosen file={file} onRemove={() => onFile(null)} />}
      {!file && !busy && <RecordingDrop onFile={onFile} hint={hint} mostBytes={mostBytes} />}
      {!file && is === 'idle' && (
        <Button onClick={recorder.begin} className="w-full">
          <Mic aria-hidden className="size-4" /> Record with the microphone
        </Button>
      )}
      {!file && is !== 'idle' && <RecorderPanel recorder={recorder} longest={longest} />}
      {error && (
        <p id={about} className="text-sm break-words text-bad">
          {error}
        </p>
      )}
    </div>
  );
}

/** Where the control that had the focus went away, its neighbourhood has it, so that the keyboard goes on from there. */
function useKeptFocus(step: string) {
  const box = useRef<HTMLDivElement>(null);
  const shown = useRef(step);
  useEffect(() => {
    if (shown.current !== step && document.activeElement === document.body) box.current?.focus();
    shown.current = step;
  }, [step]);
  return box;
}

function Chosen({ file, onRemove }: { file: File; onRemove: () => void }) {
  return (
    <div className="flex items-center gap-3 rounded-lg border bg-surface p-3">
      <span className="grid size-11 shrink-0 place-items-center rounded-md bg-accent-wash text-accent-deep">
        <FileAudio aria-hidden className="size-5" strokeWidth={1.75} />
      </span>
      <p className="min-w-0 flex-1">
        <span className="block truncate text-[0.9375rem] font-medium" title={file.name}>
          {file.name}
        </span>
        <span className="block text-sm text-soft">{size(file.size)}</span>
      </p>
      <Button look="quiet" size="icon" aria-label="Take another recording" onClick={onRemove}>
        <X aria-hidden className="size-5" />
      </Button>
    </div>
  );
}
