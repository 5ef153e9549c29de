'use client';

import { AudioLines, Download } from 'lucide-react';
import Link from 'next/link';
import { useState } from 'react';
import useSWR from 'swr';
import { PlayButton } from '@/components/sound/play-button';
import { type Playback, usePlayback } from '@/components/sound/playback';
import { buttonClass } from '@/components/ui/button';
import { Notice } from '@/components/ui/notice';
import { Empty, Skeleton } from '@/components/ui/states';
import type { Refused } from '@/lib/client/ask';
import { promptOf } from '@/lib/client/prompts';
import { clock, moment, size } from '@/lib/client/words';
import type { Artifact, ArtifactPage } from '@/lib/shapes';
import { downloadOf, kindOf } from './kinds';

/** What is asked for the list; mutate it when there is something new. */
export const RECORDINGS = '/api/ai/artifacts?service=text-to-speech&limit=12';

/** What this tenant had spoken before, newest first. One of them plays at a time. */
export function Recordings() {
  const { data, error, mutate } = useSWR<ArtifactPage, Refused>(RECORDINGS);
  const [chosen, setChosen] = useState<Artifact | null>(null);
  const playback = usePlayback();
  const recordings = data?.artifacts.filter((artifact) => artifact.media_type.startsWith('audio/'));
  const play = (artifact: Artifact) => (artifact.id === chosen?.id ? playback.toggle() : setChosen(artifact));
  return (
    <section aria-labelledby="recordings" className="mt-14 grid gap-4">
      <div className="flex items-baseline justify-between gap-4">
        <h2 id="recordings">Made before</h2>
        <Link
          href="/dashboard/artifacts"
          className="text-[0.9375rem] text-accent underline underline-offset-4"
        >
          All artifacts
        </Link>
      </div>
      {error && !data && <Notice failure={error} onRetry={() => void mutate()} />}
      {recordings?.length === 0 && (
        <Empty icon={AudioLines} title="Nothing yet">
          Every recording that you make is kept here.
        </Empty>
      )}
      <audio ref={playback.audio} src={chosen?.url} autoPlay {...playback.events} />
      <ul className="grid gap-x-8 lg:grid-cols-2" aria-busy={!data && !error}>
        {recordings?.map((artifact) => (
          <Entry
            key={artifact.id}
            artifact={artifact}
            playback={artifact.id === chosen?.id ? playback : null}
            onPlay={() => play(artifact)}
          />
        )) ??
          (!error &&
            Array.from({ length: 6 }, (_, index) => <Skeleton key={index} className="my-1.5 h-14" />))}
      </ul>
    </section>
  );
}

interface EntryProps {
  artifact: Artifact;
  /** How it plays, where this is the one. */
  playback: Playback | null;
  onPlay: () => void;
}

function Entry({ artifact, playback, onPlay }: EntryProps) {
  const text = promptOf(artifact.id);
  const made = moment(artifact.created_at);
  const title = text ?? made;
  return (
    <li className="relative flex min-w-0 items-center gap-3 border-b py-2">
      <PlayButton playing={playback?.playing ?? false} title={title} onPress={onPlay} />
      <div className="min-w-0 flex-1">
        <p className="truncate text-[0.9375rem]">{title}</p>
        <p className="truncate text-sm text-soft">{facts(artifact, playback, text ? made : '')}</p>
      </div>
      <a
        href={downloadOf(artifact)}
        download
        aria-label={`Download: ${title}`}
        className={buttonClass({ look: 'quiet', size: 'icon' })}
      >
        <Download aria-hidden className="size-[1.15rem]" strokeWidth={1.75} />
      </a>
      {playback && (
        <span aria-hidden className="absolute inset-x-0 -bottom-px h-0.5">
          <span className="block h-full bg-accent" style={{ width: `${heard(playback) * 100}%` }} />
        </span>
      )}
    </li>
  );
}

const heard = ({ time, duration }: Playback) => (duration > 0 ? Math.min(1, time / duration) : 0);

function facts(artifact: Artifact, playback: Playback | null, made: string): string {
  if (playback?.broken) return 'This browser cannot play it';
  const place = playback?.duration ? `${clock(playback.time)} of ${clock(playback.duration)}` : made;
  return [place, kindOf(artifact.media_type), size(artifact.bytes)].filter(Boolean).join(' · ');
}
