'use client';

import { useEffect, useState } from 'react';

const BARS = 48;
const EVERY = 80;

/** How loud the last seconds were: the newest at the right. */
export function Level({ stream }: { stream: MediaStream }) {
  const [levels, setLevels] = useState<number[]>(() => Array(BARS).fill(0));
  useEffect(() => {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    const samples = new Float32Array(analyser.fftSize);
    context.createMediaStreamSource(stream).connect(analyser);
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const level = Math.min(1, loudness(samples) * 5);
      setLevels((was) => [...was.slice(1), level]);
    }, EVERY);
    return () => {
      clearInterval(timer);
      void context.close();
    };
  }, [stream]);
  return (
    <svg
      aria-hidden="true"
      viewBox={`0 0 ${BARS * 4} 40`}
      preserveAspectRatio="none"
      className="h-12 w-full stroke-accent"
      strokeWidth={2}
      strokeLinecap="round"
    >
      <path
        d={levels
          .map(
            (level, index) =>
              `M${index * 4 + 2} ${(20 - 0.5 - level * 17).toFixed(1)}v${(1 + level * 34).toFixed(1)}`,
          )
          .join('')}
      />
    </svg>
  );
}

const loudness = (samples: Float32Array) =>
  Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
