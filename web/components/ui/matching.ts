/** What a combobox offers, and which of it fits what was typed. */

export interface Option {
  value: string;
  label: string;
  /** What tells it from others, beside its label. */
  hint?: string;
}

const plain = (text: string): string =>
  text
    .normalize('NFD')
    .replace(/\p{Diacritic}/gu, '')
    .toLowerCase();

/** The options in which every typed word begins a word; those whose label begins with the whole come first. */
export function matching(options: readonly Option[], typed: string): Option[] {
  const wanted = plain(typed).split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return [...options];
  const found = options.filter((option) => {
    const words = plain(`${option.label} ${option.hint ?? ''} ${option.value}`).split(/[^\p{L}\p{N}]+/u);
    return wanted.every((part) => words.some((word) => word.startsWith(part)));
  });
  const first = (option: Option) => (plain(option.label).startsWith(wanted.join(' ')) ? 0 : 1);
  return found.sort((a, b) => first(a) - first(b));
}
