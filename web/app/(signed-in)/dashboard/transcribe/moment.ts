/** What is said at a moment. */

interface Stretch {
  start: number;
  end: number;
}

/** The last stretch that has begun by then and is not long over; -1 where there is none. */
export function indexAt(stretches: readonly Stretch[], seconds: number): number {
  const next = stretches.findIndex(({ start }) => start > seconds + ROUNDING);
  const last = (next === -1 ? stretches.length : next) - 1;
  const stretch = stretches[last];
  return stretch && seconds <= stretch.end + PAUSE ? last : -1;
}

/** The player's time comes in tenths of a second. */
const ROUNDING = 0.05;
const PAUSE = 0.5;
