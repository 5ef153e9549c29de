'use client';

import { useEffect, useMemo, useRef, useState } from 'react';
import { fewer } from '@/components/sound/peaks';

const STRIDE = 4;
const HEIGHT = 56;

/** A recording as bars, those that were heard in colour. Dots where there is nothing to draw. */
export function Waveform({ peaks, heard }: { peaks: readonly number[]; heard: number }) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const bars = Math.max(1, Math.floor(width / STRIDE));
  const path = useMemo(() => drawn(fewer(peaks, bars), bars), [peaks, bars]);
  const hidden = `inset(0 ${100 - Math.min(1, Math.max(0, heard)) * 100}% 0 0)`;
  return (
    <div ref={box} aria-hidden className="w-full overflow-hidden" style={{ height: HEIGHT }}>
      {width > 0 && (
        <svg
          role="presentation"
          width={width}
          height={HEIGHT}
          fill="none"
          strokeWidth={2}
          strokeLinecap="round"
        >
          <path d={path} className="stroke-edge/60" />
          <path d={path} className="stroke-accent" style={{ clipPath: hidden }} />
        </svg>
      )}
    </div>
  );
}

/** Upright strokes around the middle; each at least a dot. */
function drawn(peaks: readonly number[], bars: number): string {
  const stride = peaks.length > 0 ? (bars * STRIDE) / peaks.length : STRIDE;
  return Array.from({ length: peaks.length || bars }, (_, index) => {
    const half = Math.max(0.5, ((peaks[index] ?? 0) * (HEIGHT - 6)) / 2);
    return `M${(index * stride + STRIDE / 2).toFixed(1)} ${(HEIGHT / 2 - half).toFixed(1)}v${(half * 2).toFixed(1)}`;
  }).join('');
}

function useWidth(box: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!box.current) return;
    const watcher = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    watcher.observe(box.current);
    return () => watcher.disconnect();
  }, [box]);
  return width;
}
