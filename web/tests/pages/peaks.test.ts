import { expect, test } from 'vitest';
import { fewer, loudest } from '@/components/sound/peaks';

test('the outline is the greatest sample of each part, of the loudest', () => {
  expect(loudest(Float32Array.of(0, 0.25, -0.5, 0.1, 0, 0), 3)).toEqual([0.5, 1, 0]);
});

test('silence stays flat, and short sounds give as many parts', () => {
  expect(loudest(new Float32Array(8), 4)).toEqual([0, 0, 0, 0]);
  expect(loudest(Float32Array.of(1), 3)).toHaveLength(3);
});

test('in less room neighbours become the greater of them', () => {
  expect(fewer([0.1, 0.9, 0.3, 0.2], 2)).toEqual([0.9, 0.3]);
  expect(fewer([0.1, 0.9], 5)).toEqual([0.1, 0.9]);
});
