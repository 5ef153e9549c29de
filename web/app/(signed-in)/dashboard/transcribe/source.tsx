'use client';

import { FileAudio, Mic, X } from 'lucide-react';
import { Button } from '@/components/ui/button';
import { size } from '@/lib/client/words';
import { Dropzone } from './dropzone';
import { useRecorder } from './recorder';
import { RecorderPanel } from './recorder-panel';

interface SourceProps {
  file: File | null;
  onFile: (file: File | null) => void;
}

/** Where the recording comes from: a file, or the microphone. */
export function Source({ file, onFile }: SourceProps) {
  const recorder = useRecorder(onFile);
  if (file) return <Chosen file={file} onRemove={() => onFile(null)} />;
  if (recorder.state.is === 'recording' || recorder.state.is === 'asking')
    return <RecorderPanel recorder={recorder} />;
  return (
    <div className="grid gap-3">
      <Dropzone onFile={onFile} />
      {recorder.state.is === 'refused' ? (
        <RecorderPanel recorder={recorder} />
      ) : (
        <Button onClick={recorder.begin} className="w-full">
          <Mic aria-hidden className="size-4" /> Record with the microphone
        </Button>
      )}
    </div>
  );
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
