'use client';

import { FileAudio } from 'lucide-react';
import { useState } from 'react';
import { DropZone } from '@/components/ui/drop-zone';
import { size } from '@/lib/client/words';

const SOUND = /^(audio|video)\//;
const NAMES = /\.(aac|aiff?|amr|flac|m4a|mkv|mov|mp3|mp4|mpe?g|oga|ogg|opus|wav|webm|wma)$/i;
const MOST_BYTES = 100_000_000;

interface RecordingDropProps {
  onFile: (file: File) => void;
  /** What file it may be, where that is more than its size. */
  hint?: string;
  mostBytes?: number;
}

/** Takes a file that may be a recording, and says what is wrong with any other before it travels. */
export function RecordingDrop({ onFile, hint, mostBytes = MOST_BYTES }: RecordingDropProps) {
  const [wrong, setWrong] = useState<string | null>(null);
  return (
    <div className="grid gap-1.5">
      <DropZone
        icon={FileAudio}
        label="Choose a recording, or drop it here"
        hint={hint ?? `Sound or video, up to ${size(mostBytes)}`}
        accept="audio/*,video/*"
        onFile={(file) => {
          const found = problemOf(file, mostBytes);
          setWrong(found);
          if (!found) onFile(file);
        }}
      />
      {wrong && (
        <p role="alert" className="text-sm break-words text-bad">
          {wrong}
        </p>
      )}
    </div>
  );
}

function problemOf(file: File, mostBytes: number): string | null {
  if (!SOUND.test(file.type) && !NAMES.test(file.name)) return `${file.name} is neither sound nor video.`;
  if (file.size === 0) return `${file.name} is empty.`;
  return file.size > mostBytes ? `${file.name} has ${size(file.size)}: more than ${size(mostBytes)}.` : null;
}
