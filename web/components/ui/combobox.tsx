'use client';

import { clsx } from 'clsx';
import { Check, ChevronsUpDown } from 'lucide-react';
import { type ChangeEvent, type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import { matching, type Option } from '@/components/ui/matching';

interface ComboboxProps {
  id: string;
  'aria-describedby'?: string;
  'aria-invalid'?: true;
  options: readonly Option[];
  /** The value of the chosen option. */
  value: string;
  onChange: (value: string) => void;
  disabled?: boolean;
}

/** How far a key goes in the list. */
const MOVES: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };

/** One of many: type to narrow the list, or walk it with the arrow keys. */
export function Combobox({ options, value, onChange, disabled, ...field }: ComboboxProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const list = useId();
  const chosen = options.find((option) => option.value === value);
  const offered = open ? matching(options, typed ?? '') : [];
  const listed = offered.length > 0;
  const optionId = (index: number) => `${list}-${index}`;

  function show() {
    if (open || disabled) return;
    setAt(Math.max(0, options.indexOf(chosen as Option)));
    setOpen(true);
  }

  function close() {
    setOpen(false);
    setTyped(null);
  }

  function choose(option: Option | undefined) {
    if (option) onChange(option.value);
    close();
  }

  function type(event: ChangeEvent<HTMLInputElement>) {
    setTyped(event.target.value);
    setAt(0);
    setOpen(true);
  }

  function press(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return;
    const by = MOVES[event.key];
    if (by !== undefined && open) setAt(Math.min(Math.max(0, at + by), offered.length - 1));
    else if (by !== undefined) show();
    else if (event.key === 'Enter' && open) choose(offered[at]);
    else if (event.key === 'Escape' && open) close();
    else return;
    event.preventDefault();
  }

  return (
    <div className="relative">
      <input
        {...field}
        type="text"
        role="combobox"
        className="entry truncate pr-10"
        autoComplete="off"
        spellCheck={false}
        aria-expanded={listed}
        aria-controls={listed ? list : undefined}
        aria-autocomplete="list"
        aria-activedescendant={offered[at] ? optionId(at) : undefined}
        disabled={disabled}
        value={typed ?? chosen?.label ?? ''}
        onChange={type}
        onFocus={(event) => event.target.select()}
        onClick={show}
        onBlur={close}
        onKeyDown={press}
      />
      <ChevronsUpDown
        aria-hidden
        className="pointer-events-none absolute top-3.5 right-3 size-4 text-soft"
        strokeWidth={1.75}
      />
      {open && (
        <Offers
          list={list}
          offered={offered}
          at={at}
          value={value}
          optionId={optionId}
          onChoose={choose}
          typed={typed}
        />
      )}
    </div>
  );
}

interface OffersProps {
  list: string;
  offered: Option[];
  at: number;
  value: string;
  typed: string | null;
  optionId: (index: number) => string;
  onChoose: (option: Option) => void;
}

function Offers({ list, offered, at, value, typed, optionId, onChoose }: OffersProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const active = box.current?.children[at];
    if (active instanceof HTMLElement && box.current) keepInView(box.current, active);
  }, [at]);
  return (
    <div className="absolute inset-x-0 top-full z-10 mt-1 overflow-hidden rounded-lg border border-edge bg-surface shadow-card">
      {offered.length === 0 && (
        <p role="status" className="px-3 py-3 text-[0.9375rem] text-soft">
          Nothing fits “{typed}”.
        </p>
      )}
      <div
        ref={box}
        id={list}
        role="listbox"
        hidden={offered.length === 0}
        className="max-h-72 overflow-y-auto overscroll-contain p-1"
      >
        {offered.map((option, index) => (
          // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the input, which names the active option
          // biome-ignore lint/a11y/useKeyWithClickEvents: the input handles the keys
          <div
            key={option.value}
            id={optionId(index)}
            role="option"
            aria-selected={option.value === value}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => onChoose(option)}
            className={clsx(
              'flex min-h-10 items-center gap-2 rounded-md px-2.5 py-1.5 text-[0.9375rem]',
              index === at ? 'bg-accent-wash text-accent-deep' : 'hover:bg-mat',
            )}
          >
            <Check
              aria-hidden
              className={clsx('size-4 shrink-0', option.value === value ? 'text-accent' : 'invisible')}
            />
            <span className="min-w-0 flex-1 truncate">{option.label}</span>
            {option.hint && <span className="max-w-[45%] truncate text-sm text-soft">{option.hint}</span>}
          </div>
        ))}
      </div>
    </div>
  );
}

/** Scrolls the box, and nothing around it. */
function keepInView(box: HTMLElement, part: HTMLElement): void {
  const top = part.offsetTop - box.offsetTop;
  if (top < box.scrollTop) box.scrollTop = top - 4;
  else if (top + part.offsetHeight > box.scrollTop + box.clientHeight)
    box.scrollTop = top + part.offsetHeight - box.clientHeight + 4;
}
