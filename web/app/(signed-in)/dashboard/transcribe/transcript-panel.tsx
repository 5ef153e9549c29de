'use client';

import { FileX2 } from 'lucide-react';
import { useState } from 'react';
import type { Playback } from '@/components/sound/playback';
import { Choice } from '@/components/ui/choice';
import { CopyButton } from '@/components/ui/copy-button';
import { Panel } from '@/components/ui/panel';
import { Empty, Spoken, Warnings } from '@/components/ui/states';
import { languageName } from '@/lib/client/languages';
import { clock, plural } from '@/lib/client/words';
import type { Transcript } from '@/lib/shapes';
import { Exports } from './exports';
import { Segments } from './segments';

interface TranscriptPanelProps {
  transcript: Transcript;
  /** The recording's name. */
  name: string;
  playback: Playback;
}

const VIEWS = [
  { value: 'times', label: 'With times' },
  { value: 'text', label: 'Text alone' },
] as const;

/** What was heard: to read along, to copy, to take away. */
export function TranscriptPanel({ transcript, name, playback }: TranscriptPanelProps) {
  const [view, setView] = useState<'times' | 'text'>('times');
  if (transcript.text.trim() === '') return <Nothing />;
  return (
    <Panel className="grid gap-4 motion-safe:animate-[rise_300ms_ease-out]">
      <Spoken>The transcript is finished.</Spoken>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h2>Transcript</h2>
        <Choice quiet legend="View" value={view} options={VIEWS} onChange={setView} />
      </div>
      {view === 'times' ? (
        <Segments segments={transcript.segments} playback={playback} language={transcript.language} />
      ) : (
        <p
          lang={transcript.language}
          className="max-h-[60vh] overflow-y-auto leading-relaxed whitespace-pre-wrap"
        >
          {transcript.text.trim()}
        </p>
      )}
      <p className="text-sm text-soft">{facts(transcript)}</p>
      <div className="flex flex-wrap gap-2">
        <CopyButton text={transcript.text.trim()} label="Copy" />
        <Exports segments={transcript.segments} name={name} />
      </div>
      <Warnings warnings={transcript.warnings} />
    </Panel>
  );
}

function Nothing() {
  return (
    <Panel>
      <Empty icon={FileX2} title="No words were heard">
        The recording may be silent, or its language another one than was said.
      </Empty>
    </Panel>
  );
}

function facts({ text, language, duration, model }: Transcript): string {
  const words = text.trim().split(/\s+/).length;
  return [plural(words, 'word'), clock(duration), languageName(language), model].join(' · ');
}
