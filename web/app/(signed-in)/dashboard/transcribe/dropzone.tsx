'use client';

import { clsx } from 'clsx';
import { FileUp } from 'lucide-react';
import { type DragEvent, useRef, useState } from 'react';
import { size } from '@/lib/client/words';

const SOUND = /^(audio|video)\//;
const NAMES = /\.(aac|aiff?|amr|flac|m4a|mkv|mov|mp3|mp4|mpe?g|oga|ogg|opus|wav|webm|wma)$/i;

const MOST_BYTES = 100_000_000;

/** A file by drop or by choice. A native file input, so that keyboard and screen readers have it too. */
export function Dropzone({ onFile }: { onFile: (file: File) => void }) {
  const [over, setOver] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const depth = useRef(0); // dragging over a child leaves the parent

  function take(file: File | undefined) {
    if (!file) return;
    const found = problemOf(file);
    setWrong(found);
    if (!found) onFile(file);
  }

  function drag(event: DragEvent, by: 1 | -1) {
    event.preventDefault();
    depth.current += by;
    setOver(depth.current > 0);
  }

  return (
    <div className="grid gap-1.5">
      <label
        onDragEnter={(event) => drag(event, 1)}
        onDragLeave={(event) => drag(event, -1)}
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          depth.current = 0;
          setOver(false);
          take(event.dataTransfer.files[0]);
        }}
        className={clsx(
          'grid justify-items-center gap-2 rounded-xl border-2 border-dashed px-6 py-8 text-center transition-colors has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent',
          over ? 'border-accent bg-accent-wash' : 'border-edge/70 bg-surface hover:border-accent',
        )}
      >
        <input
          type="file"
          accept="audio/*,video/*"
          className="sr-only"
          onChange={(event) => {
            take(event.target.files?.[0]);
            event.target.value = ''; // the same file can be chosen again
          }}
        />
        <FileUp aria-hidden className="size-6 text-accent" strokeWidth={1.75} />
        <span className="font-medium">
          {over ? 'Let go to use it' : 'Choose a recording, or drop it here'}
        </span>
        <span className="text-sm text-soft">Sound or video, up to {size(MOST_BYTES)}</span>
      </label>
      {wrong && (
        <p role="alert" className="text-sm break-words text-bad">
          {wrong}
        </p>
      )}
    </div>
  );
}

function problemOf(file: File): string | null {
  if (!SOUND.test(file.type) && !NAMES.test(file.name)) return `${file.name} is neither sound nor video.`;
  if (file.size === 0) return `${file.name} is empty.`;
  return file.size > MOST_BYTES
    ? `${file.name} has ${size(file.size)}: more than ${size(MOST_BYTES)}.`
    : null;
}
