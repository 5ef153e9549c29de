import { clsx } from 'clsx';
import type { ComponentProps } from 'react';

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

export function Button({
  look,
  size,
  className,
  type = 'button',
  ...rest
}: ComponentProps<'button'> & Appearance) {
  return <button type={type} className={buttonClass({ look, size }, className)} {...rest} />;
}
