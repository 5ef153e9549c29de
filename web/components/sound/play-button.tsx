import { clsx } from 'clsx';
import { Pause, Play } from 'lucide-react';

interface PlayButtonProps {
  playing: boolean;
  /** What is played, for screen readers. */
  title: string;
  onPress: () => void;
}

/** Plays an entry of a list, and pauses it. */
export function PlayButton({ playing, title, onPress }: PlayButtonProps) {
  const Icon = playing ? Pause : Play;
  return (
    <button
      type="button"
      onClick={onPress}
      aria-label={`${playing ? 'Pause' : 'Play'}: ${title}`}
      className="grid size-11 shrink-0 place-items-center rounded-full bg-mat text-ink transition-colors hover:bg-accent-wash hover:text-accent-deep"
    >
      <Icon aria-hidden className={clsx('size-4 fill-current', !playing && 'translate-x-px')} />
    </button>
  );
}
