/** Numbers, times and sizes as people read them. */

const NUMBER = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const FINE = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const DAY = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const MOMENT = new Intl.DateTimeFormat('en', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});

export const whole = (value: number): string => NUMBER.format(value);
export const fine = (value: number): string => FINE.format(value);
/** `2026-11-23` → `Nov 23`: days of usage are days in UTC. */
export const day = (date: string): string => DAY.format(new Date(date));
export const moment = (date: string | Date): string => MOMENT.format(new Date(date));

/** `text-to-image` → `Text to image`. */
export const title = (name: string): string =>
  name.charAt(0).toUpperCase() + name.slice(1).replace(/[-_]/g, ' ');

export const plural = (count: number, word: string): string =>
  `${whole(count)} ${word}${count === 1 ? '' : 's'}`;

/** 75 → `1:15`, 3675 → `1:01:15`. */
export function clock(seconds: number): string {
  const all = Number.isFinite(seconds) ? Math.max(0, Math.floor(seconds)) : 0;
  const two = (count: number) => String(count % 60).padStart(2, '0');
  const minutes = Math.floor(all / 60);
  return minutes < 60 ? `${minutes}:${two(all)}` : `${Math.floor(minutes / 60)}:${two(minutes)}:${two(all)}`;
}

/** 75 → `2 min`: how long until something, never said too short. */
export function span(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.ceil(seconds))} s`;
  if (seconds < 5400) return `${Math.ceil(seconds / 60)} min`;
  return seconds < 129_600 ? `${Math.ceil(seconds / 3600)} h` : `${Math.ceil(seconds / 86_400)} days`;
}

/** 1_200_000 → `1.2 MB`. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${power === 0 ? whole(bytes) : fine(bytes / 1000 ** power)} ${units[power]}`;
}
