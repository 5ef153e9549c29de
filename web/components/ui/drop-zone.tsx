'use client';

import { clsx } from 'clsx';
import type { LucideIcon } from 'lucide-react';
import { type DragEvent, type ReactNode, useState } from 'react';

interface DropZoneProps {
  icon: LucideIcon;
  label: string;
  /** Which files, as `accept` of a file input. */
  accept: string;
  hint?: ReactNode;
  onFile: (file: File) => void;
}

/** A place to drop a file on, to press, or to reach by keyboard: all of it is a file input. */
export function DropZone({ icon: Icon, label, accept, hint, onFile }: DropZoneProps) {
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const [file] = event.dataTransfer.files;
    if (file) onFile(file);
  };
  return (
    <label
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      className={clsx(
        'grid justify-items-center gap-2 rounded-lg border border-dashed p-8 text-center transition-colors has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent',
        over ? 'border-accent bg-accent-wash' : 'border-edge bg-surface hover:border-ink',
      )}
    >
      <input
        type="file"
        accept={accept}
        className="sr-only"
        onChange={(event) => {
          const file = event.target.files?.[0];
          if (file) onFile(file);
          event.target.value = ''; // the same file can be chosen again
        }}
      />
      <Icon aria-hidden className="size-7 text-soft" strokeWidth={1.5} />
      <span className="font-medium">{label}</span>
      {hint && <span className="text-sm text-soft">{hint}</span>}
    </label>
  );
}
