/** A transcript as a file: SubRip, WebVTT, or plain text. */

import type { Segment } from '@/lib/shapes';

export type SubtitleFormat = 'srt' | 'vtt' | 'txt';

export const MEDIA_TYPES: Record<SubtitleFormat, string> = {
  srt: 'application/x-subrip',
  vtt: 'text/vtt',
  txt: 'text/plain',
};

const WRITERS: Record<SubtitleFormat, (segments: readonly Segment[]) => string> = { srt, vtt, txt };

export const written = (segments: readonly Segment[], format: SubtitleFormat): string =>
  WRITERS[format](segments);

/** SubRip: numbered, a comma before the milliseconds. */
export function srt(segments: readonly Segment[]): string {
  return spoken(segments)
    .map((segment, index) => `${index + 1}\n${times(segment, ',')}\n${oneLine(segment.text)}\n`)
    .join('\n');
}

/** WebVTT: a point before the milliseconds; `&`, `<` and `>` are markup there. */
export function vtt(segments: readonly Segment[]): string {
  const cues = spoken(segments).map(
    (segment) => `${times(segment, '.')}\n${escaped(oneLine(segment.text))}\n`,
  );
  return ['WEBVTT\n', ...cues].join('\n');
}

/** A line for each thing said, without times. */
export function txt(segments: readonly Segment[]): string {
  return spoken(segments)
    .map((segment) => `${oneLine(segment.text)}\n`)
    .join('');
}

/** 3661.5 → `01:01:01,500`. */
export function timestamp(seconds: number, point: ',' | '.'): string {
  const all = Math.max(0, Math.round(seconds * 1000));
  const two = (count: number) => String(Math.floor(count)).padStart(2, '0');
  const thousandths = String(all % 1000).padStart(3, '0');
  return `${two(all / 3_600_000)}:${two((all / 60_000) % 60)}:${two((all / 1000) % 60)}${point}${thousandths}`;
}

const spoken = (segments: readonly Segment[]) => segments.filter((segment) => segment.text.trim() !== '');

const times = ({ start, end }: Segment, point: ',' | '.') =>
  `${timestamp(start, point)} --> ${timestamp(Math.max(start, end), point)}`;

/** An empty line would end the cue. */
const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim();

const escaped = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
