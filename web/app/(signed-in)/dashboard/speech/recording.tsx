'use client';

import { usePlayback } from '@/components/sound/playback';
import { Player } from '@/components/sound/player';
import { Panel } from '@/components/ui/panel';
import { PassOn } from '@/components/ui/pass-on';
import { Spoken, Warnings } from '@/components/ui/states';
import { languageName } from '@/lib/client/languages';
import type { Speech } from '@/lib/shapes';
import { fileOf } from './kinds';

/** The finished recording: to hear, to download, to pass on. It plays at once. */
export function Recording({ speech, text }: { speech: Speech; text: string }) {
  const playback = usePlayback();
  return (
    <Panel className="grid gap-4 motion-safe:animate-[rise_300ms_ease-out]">
      <Spoken>The recording is finished and plays.</Spoken>
      <Player
        playback={playback}
        src={speech.url}
        source={speech.url}
        name="the recording"
        duration={speech.duration}
        autoPlay
      />
      <p className="line-clamp-3 text-pretty">{text}</p>
      <p className="text-sm text-soft">{facts(speech)}</p>
      <div className="flex flex-wrap gap-2">
        <PassOn id={speech.id} url={speech.url} name={fileOf(speech)} />
      </div>
      <Warnings warnings={speech.warnings} />
    </Panel>
  );
}

/** A voice that is a language's own carries the language's tag. */
function facts({ voice, language, model }: Speech): string {
  return [voice === language ? '' : voice, languageName(language), model].filter(Boolean).join(' · ');
}
