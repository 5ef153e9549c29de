import { expect, test } from 'vitest';
import { indexAt } from '@/app/(signed-in)/dashboard/transcribe/moment';

const SAID = [
  { start: 1, end: 2 },
  { start: 2, end: 3.5 },
  { start: 10, end: 11 },
];

test('what is said at a moment is the last that has begun', () => {
  expect([0, 1, 1.96, 2, 3.4, 10.5].map((time) => indexAt(SAID, time))).toEqual([-1, 0, 1, 1, 1, 2]);
});

test('it stays for a breath after its end, and no longer', () => {
  expect([3.9, 4.1, 9, 11.4, 12].map((time) => indexAt(SAID, time))).toEqual([1, -1, -1, 2, -1]);
});

test('of nothing there is nothing', () => {
  expect(indexAt([], 1)).toBe(-1);
});
