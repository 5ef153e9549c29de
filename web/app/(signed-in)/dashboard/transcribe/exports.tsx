import { Download } from 'lucide-react';
import { Button } from '@/components/ui/button';
import type { Segment } from '@/lib/shapes';
import { MEDIA_TYPES, type SubtitleFormat, written } from './subtitles';

const FORMATS: { format: SubtitleFormat; label: string }[] = [
  { format: 'srt', label: 'SubRip subtitles' },
  { format: 'vtt', label: 'WebVTT subtitles' },
  { format: 'txt', label: 'plain text' },
];

/** The transcript as files, named like the recording. */
export function Exports({ segments, name }: { segments: Segment[]; name: string }) {
  return FORMATS.map(({ format, label }) => (
    <Button
      key={format}
      size="small"
      aria-label={`Download ${format}: ${label}`}
      onClick={() => save(written(segments, format), `${stem(name)}.${format}`, MEDIA_TYPES[format])}
    >
      <Download aria-hidden className="size-4" /> {format}
    </Button>
  ));
}

function save(text: string, name: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000); // the download may not have begun yet
}

const stem = (name: string) => name.replace(/\.[^.]*$/, '') || 'transcript';
