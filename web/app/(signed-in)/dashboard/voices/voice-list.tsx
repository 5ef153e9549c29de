'use client';

import { UsersRound } from 'lucide-react';
import { type RefObject, useState } from 'react';
import { usePlayback } from '@/components/sound/playback';
import { Empty, Skeleton } from '@/components/ui/states';
import type { Model, OwnVoice, OwnVoices } from '@/lib/shapes';
import { VoiceEntry } from './voice-entry';

interface VoiceListProps {
  /** Gets the focus where what had it is gone. */
  box: RefObject<HTMLElement | null>;
  found: OwnVoices | undefined;
  failed: boolean;
  /** The name of one that is being added. */
  coming: string | null;
  /** A model that can speak with them. */
  cloner: Model | undefined;
  /** Raises Refused. */
  onDelete: (voice: OwnVoice) => Promise<void>;
}

/** The voices that there are. One of their recordings plays at a time. */
export function VoiceList({ box, found, failed, coming, cloner, onDelete }: VoiceListProps) {
  const [chosen, setChosen] = useState<OwnVoice | null>(null);
  const playback = usePlayback();
  const play = (voice: OwnVoice) => (voice.id === chosen?.id ? playback.toggle() : setChosen(voice));
  const remove = async (voice: OwnVoice) => {
    await onDelete(voice);
    setChosen((was) => (was?.id === voice.id ? null : was));
  };
  return (
    <section ref={box} tabIndex={-1} aria-labelledby="own-voices" className="grid gap-2 rounded-md">
      <div className="flex items-baseline justify-between gap-4">
        <h2 id="own-voices">Voices</h2>
        {found && found.most > 0 && (
          <p className="text-sm text-soft">
            {found.voices.length} of {found.most}
          </p>
        )}
      </div>
      <audio
        ref={playback.audio}
        src={chosen ? `/api/ai/voices/${chosen.id}/recording` : undefined}
        autoPlay
        {...playback.events}
      />
      <ul aria-busy={!found && !failed}>
        {found?.voices.map((voice) => (
          <VoiceEntry
            key={voice.id}
            voice={voice}
            playback={voice.id === chosen?.id ? playback : null}
            cloner={cloner}
            onPlay={() => play(voice)}
            onDelete={() => remove(voice)}
          />
        ))}
        {!found && !failed && <Skeleton className="my-2 h-14" />}
        {coming !== null && <Coming name={coming} />}
      </ul>
      {found?.voices.length === 0 && coming === null && (
        <Empty icon={UsersRound} title="No voice yet">
          Those that you add are listed here, each with the consent that came with it.
        </Empty>
      )}
    </section>
  );
}

function Coming({ name }: { name: string }) {
  return (
    <li className="flex items-center gap-3 border-b py-3">
      <Skeleton className="size-11 shrink-0 rounded-full" />
      <div role="status" className="min-w-0">
        <p className="truncate text-[0.9375rem] font-medium">{name}</p>
        <p className="text-sm text-soft">The recording is sent and listened to …</p>
      </div>
    </li>
  );
}
