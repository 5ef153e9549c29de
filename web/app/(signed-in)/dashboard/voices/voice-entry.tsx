'use client';

import { Trash2 } from 'lucide-react';
import Link from 'next/link';
import { useEffect, useRef, useState } from 'react';
import { PlayButton } from '@/components/sound/play-button';
import type { Playback } from '@/components/sound/playback';
import { Button, buttonClass } from '@/components/ui/button';
import { Notice } from '@/components/ui/notice';
import type { Refused } from '@/lib/client/ask';
import { languageName } from '@/lib/client/languages';
import { clock } from '@/lib/client/words';
import type { Model, OwnVoice } from '@/lib/shapes';

interface VoiceEntryProps {
  voice: OwnVoice;
  /** How it plays, where this is the one. */
  playback: Playback | null;
  /** A model that can speak with it. */
  cloner: Model | undefined;
  onPlay: () => void;
  /** Raises Refused. */
  onDelete: () => Promise<void>;
}

/** A voice: to hear, to use, to delete, and who agreed to it. */
export function VoiceEntry({ voice, playback, cloner, onPlay, onDelete }: VoiceEntryProps) {
  const [asking, setAsking] = useState(false);
  const trash = useFocusAfter(asking);
  return (
    <li className="grid min-w-0 gap-2 border-b py-3">
      <div className="flex min-w-0 items-center gap-3">
        <PlayButton playing={playback?.playing ?? false} title={voice.name} onPress={onPlay} />
        <div className="min-w-0 flex-1">
          <p className="truncate text-[0.9375rem] font-medium">{voice.name}</p>
          <p className="truncate text-sm text-soft">{facts(voice, playback)}</p>
        </div>
        {cloner && (
          <Link
            href={`/dashboard/speech?${new URLSearchParams({ voice: voice.id, model: cloner.id })}`}
            aria-label={`Speak with ${voice.name}`}
            className={buttonClass({ size: 'small' })}
          >
            Use
          </Link>
        )}
        <Button
          ref={trash}
          look="quiet"
          size="icon"
          aria-label={`Delete ${voice.name}`}
          aria-expanded={asking}
          onClick={() => setAsking(!asking)}
        >
          <Trash2 aria-hidden className="size-[1.15rem]" strokeWidth={1.75} />
        </Button>
      </div>
      {asking && <AskedAgain name={voice.name} onKeep={() => setAsking(false)} onDelete={onDelete} />}
      <details className="group pl-14 text-sm">
        <summary className="w-fit text-soft underline decoration-line underline-offset-4 hover:text-ink">
          Consent of {voice.consent.by}, {DAY.format(new Date(voice.consent.at))}
        </summary>
        <blockquote className="mt-2 border-l-2 pl-3 break-words whitespace-pre-wrap">
          {voice.consent.statement}
        </blockquote>
      </details>
    </li>
  );
}

interface AskedAgainProps {
  name: string;
  onKeep: () => void;
  onDelete: () => Promise<void>;
}

/** Before anything is gone. */
function AskedAgain({ name, onKeep, onDelete }: AskedAgainProps) {
  const [going, setGoing] = useState(false);
  const [failure, setFailure] = useState<Refused | null>(null);
  const keep = useRef<HTMLButtonElement>(null);
  useEffect(() => keep.current?.focus(), []);
  const remove = () => {
    setGoing(true);
    onDelete().catch((refused: Refused) => {
      setFailure(refused);
      setGoing(false);
    });
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would need a legend, and this needs only a name
    <div
      role="group"
      aria-label={`Delete ${name}`}
      className="grid gap-3 rounded-lg bg-mat p-4"
      onKeyDown={(event) => event.key === 'Escape' && onKeep()}
    >
      <p className="text-[0.9375rem]">
        Delete {name} and its recording for good? What was spoken with it stays.
      </p>
      <div className="flex gap-2">
        <Button size="small" look="danger" disabled={going} onClick={remove}>
          Delete
        </Button>
        <Button ref={keep} size="small" onClick={onKeep}>
          Keep
        </Button>
      </div>
      {failure && <Notice failure={failure} />}
    </div>
  );
}

/** What gets the focus back once the question is closed. */
function useFocusAfter(asking: boolean) {
  const button = useRef<HTMLButtonElement>(null);
  const asked = useRef(false);
  useEffect(() => {
    if (asked.current && !asking) button.current?.focus();
    asked.current = asking;
  }, [asking]);
  return button;
}

const DAY = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeZone: 'UTC' });

function facts({ language, seconds }: OwnVoice, playback: Playback | null): string {
  if (playback?.broken) return 'Its recording cannot be played';
  const place = playback?.playing ? `${clock(playback.time)} of ${clock(seconds)}` : clock(seconds);
  return [language && languageName(language), place].filter(Boolean).join(' · ');
}
