'use client';

import { Download } from 'lucide-react';
import { usePlayback } from '@/components/sound/playback';
import { Player } from '@/components/sound/player';
import { buttonClass } from '@/components/ui/button';
import { CopyButton } from '@/components/ui/copy-button';
import { Panel } from '@/components/ui/panel';
import { Spoken, Warnings } from '@/components/ui/states';
import { languageName } from '@/lib/client/languages';
import type { Speech } from '@/lib/shapes';
import { downloadOf, kindOf } from './kinds';

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
        <a
          href={speech.id ? downloadOf(speech) : speech.url}
          download={speech.id ? true : `speech.${kindOf(speech.media_type)}`}
          className={buttonClass({ size: 'small' })}
        >
          <Download aria-hidden className="size-4" /> Download
        </a>
        {speech.id && (
          <CopyButton label="Copy link" text={() => new URL(speech.url, window.location.href).href} />
        )}
      </div>
      <Warnings warnings={speech.warnings} />
    </Panel>
  );
}

/** A voice that is a language's own carries the language's tag. */
function facts({ voice, language, model }: Speech): string {
  return [voice === language ? '' : voice, languageName(language), model].filter(Boolean).join(' · ');
}
