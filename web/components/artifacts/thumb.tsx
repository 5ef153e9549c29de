import { AudioLines, File } from 'lucide-react';
import { moment } from '@/lib/client/words';
import type { Artifact } from '@/lib/shapes';

/** An artifact as a square: the picture itself, or a sign of what it is. */
export function Thumb({ artifact }: { artifact: Artifact }) {
  const kind = kindOf(artifact);
  const words = `${kind.name} of ${moment(artifact.created_at)}`;
  if (kind.name === 'Picture') {
    return (
      <img
        src={artifact.url}
        alt={words}
        loading="lazy"
        className="aspect-square w-full rounded-lg border bg-mat object-cover"
      />
    );
  }
  const Icon = kind.icon;
  return (
    <span className="grid aspect-square w-full place-items-center rounded-lg border bg-mat text-soft">
      <Icon aria-hidden className="size-8" strokeWidth={1.5} />
      <span className="sr-only">{words}</span>
    </span>
  );
}

/** What an artifact is, by its media type. */
export function kindOf(artifact: Artifact) {
  if (artifact.media_type.startsWith('image/')) return { name: 'Picture', icon: File } as const;
  if (artifact.media_type.startsWith('audio/')) return { name: 'Recording', icon: AudioLines } as const;
  return { name: 'File', icon: File } as const;
}
