import { clsx } from 'clsx';
import type { ComponentProps, MouseEvent } from 'react';

const LOOKS = {
  primary: 'bg-accent text-on-accent hover:bg-accent-deep shadow-sm',
  plain: 'border border-edge bg-surface text-ink hover:border-ink',
  quiet: 'text-soft hover:bg-mat hover:text-ink',
  danger: 'border border-bad text-bad hover:bg-bad-wash',
};

const SIZES = {
  normal: 'min-h-11 px-4 text-[0.9375rem]',
  small: 'min-h-9 px-3 text-sm',
  icon: 'size-11 justify-center',
};

interface Appearance {
  look?: keyof typeof LOOKS;
  size?: keyof typeof SIZES;
}

/** The classes of a button, for links that look like one. */
export function buttonClass({ look = 'plain', size = 'normal' }: Appearance = {}, more?: string): string {
  return clsx(
    'inline-flex shrink-0 items-center justify-center gap-2 rounded-md font-medium transition-colors',
    'disabled:cursor-not-allowed disabled:opacity-55',
    LOOKS[look],
    SIZES[size],
    more,
  );
}

/**
 * A press of one that submits nothing must stay so: where it gives its place to one that submits, React keeps the
 * element, and the browser would submit the form at the end of the same press.
 */
export function Button({
  look,
  size,
  className,
  type = 'button',
  onClick,
  ...rest
}: ComponentProps<'button'> & Appearance) {
  const press = (event: MouseEvent<HTMLButtonElement>) => {
    if (type === 'button') event.preventDefault();
    onClick?.(event);
  };
  return <button type={type} className={buttonClass({ look, size }, className)} onClick={press} {...rest} />;
}
