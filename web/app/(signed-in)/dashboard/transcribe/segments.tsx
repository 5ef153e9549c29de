'use client';

import { clsx } from 'clsx';
import { memo, useEffect, useRef } from 'react';
import type { Playback } from '@/components/sound/playback';
import { clock } from '@/lib/client/words';
import type { Segment, Word } from '@/lib/shapes';
import { indexAt } from './moment';

interface SegmentsProps {
  segments: Segment[];
  playback: Playback;
  language: string;
}

/** Everything that was said, each with its time, which moves the player; what is heard now is marked. */
export function Segments({ segments, playback, language }: SegmentsProps) {
  const { time, playing, seek } = playback;
  const began = playing || time > 0;
  const active = began ? indexAt(segments, time) : -1;
  const box = useRef<HTMLOListElement>(null);
  useEffect(() => {
    const line = box.current?.children[active];
    if (playing && box.current && line instanceof HTMLElement) center(box.current, line);
  }, [active, playing]);
  return (
    <ol
      ref={box}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
      tabIndex={0}
      aria-label="What was said"
      lang={language}
      className="relative -mx-2 grid max-h-[60vh] gap-0.5 overflow-y-auto px-2 py-0.5"
    >
      {segments.map((segment, index) => (
        <Line
          key={index}
          segment={segment}
          active={index === active}
          word={index === active && segment.words ? indexAt(segment.words, time) : -1}
          onSeek={seek}
        />
      ))}
    </ol>
  );
}

interface LineProps {
  segment: Segment;
  active: boolean;
  /** The word that is heard now. */
  word: number;
  onSeek: (seconds: number) => void;
}

const Line = memo(function Line({ segment, active, word, onSeek }: LineProps) {
  return (
    <li
      aria-current={active ? 'time' : undefined}
      className={clsx(
        'grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 rounded-md px-2 py-1.5 transition-colors',
        active && 'bg-accent-wash',
      )}
    >
      <button
        type="button"
        lang="en"
        aria-label={`Go to ${clock(segment.start)}`}
        onClick={() => onSeek(segment.start)}
        className="h-7 min-w-10 rounded-sm text-left font-mono text-sm text-accent underline-offset-4 hover:underline"
      >
        {clock(segment.start)}
      </button>
      <p className="leading-7 break-words">
        {segment.words?.length ? (
          <Words words={segment.words} at={word} onSeek={onSeek} />
        ) : (
          segment.text.trim()
        )}
      </p>
    </li>
  );
});

/** Words that can be pointed at; the keyboard goes by the times of the lines. */
function Words({ words, at, onSeek }: { words: Word[]; at: number; onSeek: (seconds: number) => void }) {
  return words.map((word, index) => (
    <span key={index}>
      {index > 0 && !/^\s/.test(word.word) && ' '}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the times are the way by keyboard */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the times are the way by keyboard */}
      <span
        onClick={() => onSeek(word.start)}
        className={clsx(
          'cursor-pointer rounded-sm',
          index === at ? 'bg-accent text-on-accent' : 'hover:bg-mat',
        )}
      >
        {word.word}
      </span>
    </span>
  ));
}

/** Scrolls the list, and nothing around it. */
function center(box: HTMLElement, line: HTMLElement): void {
  const top = line.offsetTop - (box.clientHeight - line.offsetHeight) / 2;
  const calm = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
  box.scrollTo({ top, behavior: calm ? 'auto' : 'smooth' });
}
