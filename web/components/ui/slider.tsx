import { useId } from 'react';

interface SliderProps {
  label: string;
  value: number;
  min: number;
  max: number;
  step: number;
  /** The value in words, beside the label and for screen readers. */
  words?: (value: number) => string;
  onChange: (value: number) => void;
}

/** A native range: keyboard, touch and screen readers come with it. */
export function Slider({ label, value, min, max, step, words = String, onChange }: SliderProps) {
  const id = useId();
  return (
    <div className="grid gap-1.5">
      <div className="flex items-baseline justify-between gap-3">
        <label htmlFor={id} className="text-[0.9375rem] font-medium">
          {label}
        </label>
        <output htmlFor={id} className="text-sm text-soft">
          {words(value)}
        </output>
      </div>
      <input
        id={id}
        type="range"
        className="h-8 w-full"
        min={min}
        max={max}
        step={step}
        value={value}
        aria-valuetext={words(value)}
        onChange={(event) => onChange(event.target.valueAsNumber)}
      />
    </div>
  );
}
