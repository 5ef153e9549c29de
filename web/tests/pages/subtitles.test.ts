import { expect, test } from 'vitest';
import { srt, timestamp, txt, vtt } from '@/app/(signed-in)/dashboard/transcribe/subtitles';

const SEGMENTS = [
  { start: 0, end: 1.2345, text: ' Good  morning.' },
  { start: 1.2345, end: 1.9, text: '  ' },
  { start: 59.9996, end: 3661.5, text: 'Five < six & seven > two,\n\nit said.' },
];

test('SubRip numbers what was said, with a comma before the milliseconds', () => {
  expect(srt(SEGMENTS)).toBe(
    '1\n00:00:00,000 --> 00:00:01,235\nGood morning.\n\n' +
      '2\n00:01:00,000 --> 01:01:01,500\nFive < six & seven > two, it said.\n',
  );
});

test('WebVTT begins with its name, and escapes what would be markup', () => {
  expect(vtt(SEGMENTS)).toBe(
    'WEBVTT\n\n00:00:00.000 --> 00:00:01.235\nGood morning.\n\n' +
      '00:01:00.000 --> 01:01:01.500\nFive &lt; six &amp; seven &gt; two, it said.\n',
  );
});

test('an arrow in the text does not become a time', () => {
  expect(vtt([{ start: 0, end: 1, text: 'a --> b' }])).toContain('a --&gt; b');
});

test('plain text has a line for each thing said', () => {
  expect(txt(SEGMENTS)).toBe('Good morning.\nFive < six & seven > two, it said.\n');
});

test('nothing said gives files that are still valid', () => {
  expect([srt([]), vtt([]), txt([])]).toEqual(['', 'WEBVTT\n', '']);
});

test('times round to the millisecond, carry over, and go past a day', () => {
  expect(timestamp(0.0004, '.')).toBe('00:00:00.000');
  expect(timestamp(59.9999, ',')).toBe('00:01:00,000');
  expect(timestamp(-1, '.')).toBe('00:00:00.000');
  expect(timestamp(100 * 3600, '.')).toBe('100:00:00.000');
});

test('a segment never ends before it begins', () => {
  expect(srt([{ start: 5, end: 4, text: 'x' }])).toContain('00:00:05,000 --> 00:00:05,000');
});
