'use client';

/** Playing one recording, and no other of the page: whether it plays, where it is, and how long it is. */

import { useCallback, useEffect, useMemo, useRef, useState } from 'react';

export interface Playback {
  audio: React.RefObject<HTMLAudioElement | null>;
  playing: boolean;
  /** Seconds, in steps of a tenth. */
  time: number;
  /** Seconds; 0 until it is known. */
  duration: number;
  broken: boolean;
  toggle: () => void;
  seek: (seconds: number) => void;
  /** To be spread onto the audio element. */
  events: Pick<
    React.ComponentProps<'audio'>,
    'onPlay' | 'onPause' | 'onTimeUpdate' | 'onDurationChange' | 'onEmptied' | 'onError'
  >;
}

export function usePlayback(): Playback {
  const audio = useRef<HTMLAudioElement>(null);
  const [playing, setPlaying] = useState(false);
  const [time, setTime] = useState(0);
  const [duration, setDuration] = useState(0);
  const [broken, setBroken] = useState(false);

  const look = useCallback(() => setTime(Math.round((audio.current?.currentTime ?? 0) * 10) / 10), []);

  useEffect(() => {
    if (!playing) return;
    let frame = requestAnimationFrame(function next() {
      look();
      frame = requestAnimationFrame(next);
    });
    return () => cancelAnimationFrame(frame);
  }, [playing, look]);

  const toggle = useCallback(() => {
    const player = audio.current;
    if (!player) return;
    if (player.paused) void player.play().catch(() => undefined);
    else player.pause();
  }, []);

  const seek = useCallback((seconds: number) => {
    if (!audio.current) return;
    audio.current.currentTime = seconds;
    setTime(seconds);
  }, []);

  const events = useMemo<Playback['events']>(
    () => ({
      onPlay: ({ currentTarget }) => {
        for (const other of document.querySelectorAll('audio')) if (other !== currentTarget) other.pause();
        setPlaying(true);
      },
      onPause: () => setPlaying(false),
      onTimeUpdate: look,
      onDurationChange: ({ currentTarget }) => {
        setBroken(false);
        setDuration(Number.isFinite(currentTarget.duration) ? currentTarget.duration : 0);
      },
      onEmptied: () => {
        setPlaying(false);
        setTime(0);
        setDuration(0);
      },
      onError: () => setBroken(true),
    }),
    [look],
  );

  return { audio, playing, time, duration, broken, toggle, seek, events };
}
