'use client';

import { clsx } from 'clsx';
import { type ReactNode, useId } from 'react';

interface ChoiceProps<T extends string> {
  legend: string;
  value: T;
  options: readonly { value: T; label: ReactNode }[];
  onChange: (value: T) => void;
  /** The legend is for screen readers only. */
  quiet?: boolean;
}

/** One of a few: native radio buttons that look like a row of tabs. */
export function Choice<T extends string>({ legend, value, options, onChange, quiet }: ChoiceProps<T>) {
  const name = useId();
  return (
    <fieldset className="grid min-w-0 gap-1.5">
      <legend className={clsx(quiet ? 'sr-only' : 'mb-1.5 text-[0.9375rem] font-medium')}>{legend}</legend>
      <div className="inline-flex w-fit max-w-full flex-wrap gap-1 rounded-lg bg-mat p-1">
        {options.map((option) => (
          <label
            key={option.value}
            className={clsx(
              'inline-flex min-h-9 items-center gap-2 rounded-md px-3.5 text-[0.9375rem] transition-colors has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent',
              option.value === value ? 'bg-surface text-ink shadow-sm' : 'text-soft hover:text-ink',
            )}
          >
            <input
              type="radio"
              name={name}
              className="sr-only"
              checked={option.value === value}
              onChange={() => onChange(option.value)}
            />
            {option.label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
