'use client';

import { useState } from 'react';

interface BeforeAfterProps {
  before: string;
  after: string;
  /** Width and height, in pixels. */
  proportions: [number, number];
}

/** Two pictures over each other; how much is seen of each is a native range, so keys and touch work. */
export function BeforeAfter({ before, after, proportions: [width, height] }: BeforeAfterProps) {
  const [seen, setSeen] = useState(50);
  return (
    <div
      className="relative w-full overflow-hidden shadow-card has-focus-visible:outline-2 has-focus-visible:outline-offset-4 has-focus-visible:outline-accent"
      style={{ aspectRatio: `${width} / ${height}`, maxWidth: `min(36rem, calc(60vh * ${width / height}))` }}
    >
      <img src={after} alt="After" className="absolute inset-0 size-full object-cover" />
      <img
        src={before}
        alt="Before"
        className="absolute inset-0 size-full object-cover"
        style={{ clipPath: `inset(0 ${100 - seen}% 0 0)` }}
      />
      <Label side="left-2" shown={seen > 15}>
        Before
      </Label>
      <Label side="right-2" shown={seen < 85}>
        After
      </Label>
      <span
        aria-hidden
        className="absolute inset-y-0 w-0.5 -translate-x-1/2 bg-white shadow-card"
        style={{ left: `${seen}%` }}
      >
        <span className="absolute top-1/2 left-1/2 grid size-9 -translate-1/2 place-items-center rounded-full bg-white text-sm text-[#15181b] shadow-card">
          ⇔
        </span>
      </span>
      <input
        type="range"
        aria-label="How much is seen of the picture before"
        aria-valuetext={`${seen} %`}
        min={0}
        max={100}
        value={seen}
        onChange={(event) => setSeen(event.target.valueAsNumber)}
        className="absolute inset-0 size-full cursor-ew-resize opacity-0"
      />
    </div>
  );
}

function Label({ side, shown, children }: { side: string; shown: boolean; children: string }) {
  return (
    <span
      aria-hidden
      className={`absolute top-2 rounded-md bg-black/60 px-2 py-0.5 text-xs font-medium text-white transition-opacity ${side} ${shown ? '' : 'opacity-0'}`}
    >
      {children}
    </span>
  );
}
