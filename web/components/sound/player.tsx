'use client';

import { Pause, Play } from 'lucide-react';
import type { Playback } from '@/components/sound/playback';
import { useOutline } from '@/components/sound/use-outline';
import { Waveform } from '@/components/sound/waveform';
import { clock } from '@/lib/client/words';

interface PlayerProps {
  playback: Playback;
  /** Where it is played from. */
  src: string;
  /** What is drawn: the same recording. */
  source: Blob | string;
  /** What it is, for screen readers. */
  name: string;
  /** Seconds, for files that do not tell their own. */
  duration?: number;
  autoPlay?: boolean;
}

/** Plays a recording and shows its outline, which is also where one moves about in it. */
export function Player({ playback, src, source, name, duration = 0, autoPlay }: PlayerProps) {
  const { audio, playing, time, broken, toggle, seek, events } = playback;
  const outline = useOutline(source);
  const length = playback.duration || duration || outline.duration;
  const at = Math.min(time, length);
  return (
    <div className="grid grid-cols-[auto_minmax(0,1fr)] items-center gap-x-4 gap-y-1 rounded-xl bg-mat p-4">
      <audio ref={audio} src={src} preload="metadata" autoPlay={autoPlay} {...events} />
      <button
        type="button"
        onClick={toggle}
        disabled={broken}
        aria-label={`${playing ? 'Pause' : 'Play'} ${name}`}
        className="grid size-12 place-items-center rounded-full bg-accent text-on-accent shadow-sm transition-colors hover:bg-accent-deep disabled:opacity-55"
      >
        {playing ? (
          <Pause aria-hidden className="size-5 fill-current" />
        ) : (
          <Play aria-hidden className="size-5 translate-x-px fill-current" />
        )}
      </button>
      <div className="relative rounded-sm has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent">
        <Waveform peaks={outline.peaks} heard={length > 0 ? at / length : 0} />
        <input
          type="range"
          aria-label={`Place in ${name}`}
          aria-valuetext={`${clock(at)} of ${clock(length)}`}
          className="absolute inset-0 m-0 size-full cursor-pointer opacity-0"
          min={0}
          max={length || 1}
          step={0.1}
          value={at}
          disabled={length === 0}
          onChange={(event) => seek(event.target.valueAsNumber)}
        />
      </div>
      <p className="col-start-2 flex justify-between text-sm text-soft">
        {broken ? (
          <span>This browser cannot play it.</span>
        ) : (
          <>
            <span>{clock(at)}</span>
            <span>{clock(length)}</span>
          </>
        )}
      </p>
    </div>
  );
}
