'use client';

import { Eraser, Undo2 } from 'lucide-react';
import {
  type KeyboardEvent,
  type PointerEvent,
  type RefObject,
  useEffect,
  useImperativeHandle,
  useRef,
  useState,
} from 'react';
import { Button } from '@/components/ui/button';
import { Mat } from '@/components/ui/mat';
import { Slider } from '@/components/ui/slider';
import { drawStrokes, maskFile, type Point, type Stroke } from './strokes';

/** How the page gets the mask; none where nothing was painted. */
export interface MaskHandle {
  file: () => Promise<File | null>;
}

interface MaskProps {
  /** The address of the picture. */
  url: string;
  handle: RefObject<MaskHandle | null>;
  /** Hears whether there is anything that may change. */
  onPaint: (painted: boolean) => void;
}

const MOVES: Record<string, [x: number, y: number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The picture with a brush over it: by pointer, or by arrow keys and the space bar. */
export function Mask({ url, handle, onPaint }: MaskProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const strokes = useRef<Stroke[]>([]);
  const [pixels, setPixels] = useState<[number, number] | null>(null);
  const [brush, setBrush] = useState(12);
  const [count, setCount] = useState(0);
  const [cursor, setCursor] = useState<Point | null>(null);
  const width = pixels ? (brush / 100) * Math.min(...pixels) : 0;

  useEffect(() => () => onPaint(false), [onPaint]);

  useImperativeHandle(handle, () => ({
    file: async () => (pixels && strokes.current.length > 0 ? maskFile(strokes.current, pixels) : null),
  }));

  function redraw() {
    if (canvas.current) drawStrokes(canvas.current, strokes.current);
    setCount(strokes.current.length);
    onPaint(strokes.current.length > 0);
  }

  function begin(point: Point) {
    strokes.current.push({ width, points: [point] });
    redraw();
  }

  function extend(point: Point) {
    strokes.current.at(-1)?.points.push(point);
    redraw();
  }

  function keep(strokesLeft: Stroke[]) {
    strokes.current = strokesLeft;
    redraw();
  }

  function key(event: KeyboardEvent) {
    if (!pixels) return;
    const at = cursor ?? { x: pixels[0] / 2, y: pixels[1] / 2 };
    const move = MOVES[event.key];
    if (move) {
      const step = width / 2;
      const within = (value: number, most: number) => Math.min(most, Math.max(0, value));
      setCursor({ x: within(at.x + move[0] * step, pixels[0]), y: within(at.y + move[1] * step, pixels[1]) });
    } else if (event.key === ' ') {
      setCursor(at);
      begin(at);
    } else return;
    event.preventDefault();
  }

  const pointOf = (event: PointerEvent<HTMLCanvasElement>): Point => {
    const box = event.currentTarget.getBoundingClientRect();
    const [wide, high] = pixels ?? [1, 1];
    return {
      x: ((event.clientX - box.left) / box.width) * wide,
      y: ((event.clientY - box.top) / box.height) * high,
    };
  };

  return (
    <div className="grid gap-4">
      <Mat>
        <div className="relative">
          <img
            src={url}
            alt="What is to be changed"
            className="block max-h-[60vh] min-w-48 max-w-full shadow-card"
            onLoad={({ currentTarget: image }) => setPixels([image.naturalWidth, image.naturalHeight])}
          />
          {pixels && (
            // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: it is painted on by keyboard too
            <canvas
              ref={canvas}
              width={pixels[0]}
              height={pixels[1]}
              role="application"
              aria-label="Paint over what may change. Arrow keys move the brush, the space bar paints."
              tabIndex={0}
              className="absolute inset-0 size-full cursor-crosshair touch-none opacity-60"
              onKeyDown={key}
              onBlur={() => setCursor(null)}
              onPointerDown={(event) => {
                event.currentTarget.setPointerCapture(event.pointerId);
                begin(pointOf(event));
              }}
              onPointerMove={(event) => event.buttons === 1 && extend(pointOf(event))}
            />
          )}
          {pixels && cursor && <Ring at={cursor} width={width} pixels={pixels} />}
        </div>
      </Mat>
      <div className="flex flex-wrap items-end justify-between gap-4">
        <div className="w-full max-w-56">
          <Slider
            label="Brush"
            value={brush}
            min={3}
            max={40}
            step={1}
            words={(value) => `${value} %`}
            onChange={setBrush}
          />
        </div>
        <div className="flex gap-2">
          <Button size="small" disabled={count === 0} onClick={() => keep(strokes.current.slice(0, -1))}>
            <Undo2 aria-hidden className="size-4" /> Undo
          </Button>
          <Button size="small" disabled={count === 0} onClick={() => keep([])}>
            <Eraser aria-hidden className="size-4" /> Clear
          </Button>
        </div>
      </div>
      <p className="text-sm text-soft">
        {count === 0 ? 'Paint over what may change.' : 'What is painted may change; the rest stays as it is.'}
      </p>
    </div>
  );
}

function Ring({ at, width, pixels: [wide, high] }: { at: Point; width: number; pixels: [number, number] }) {
  return (
    <svg
      viewBox={`0 0 ${wide} ${high}`}
      aria-hidden="true"
      className="pointer-events-none absolute inset-0 size-full"
    >
      <circle
        cx={at.x}
        cy={at.y}
        r={width / 2}
        fill="none"
        stroke="#fff"
        strokeWidth="4"
        vectorEffect="non-scaling-stroke"
      />
      <circle
        cx={at.x}
        cy={at.y}
        r={width / 2}
        fill="none"
        stroke="#2c3cc2"
        strokeWidth="2"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}
