'use client';

import { MessageSquareText } from 'lucide-react';
import { useState } from 'react';
import { useSWRConfig } from 'swr';
import { usePlayback } from '@/components/sound/playback';
import { Player } from '@/components/sound/player';
import { LimitLeft } from '@/components/ui/limit-left';
import { Mat } from '@/components/ui/mat';
import { Notice } from '@/components/ui/notice';
import { PageHead } from '@/components/ui/panel';
import { Empty } from '@/components/ui/states';
import { Workbench } from '@/components/ui/workbench';
import { ask } from '@/lib/client/ask';
import { useWork } from '@/lib/client/work';
import type { Transcript } from '@/lib/shapes';
import { asked, BLANK, type Draft } from './draft';
import { HearForm } from './hear-form';
import { Hearing } from './hearing';
import { useObjectUrl } from './object-url';
import { TranscriptPanel } from './transcript-panel';

/** The page: a recording on one side, its words on the other. */
export function Transcribe() {
  const [draft, setDraft] = useState<Draft>(BLANK);
  const { state, begin, again, cancel, show } = useWork<Transcript | null>();
  const { mutate } = useSWRConfig();
  const playback = usePlayback();
  const src = useObjectUrl(draft.file);
  const working = state.is === 'working';

  function change(part: Partial<Draft>) {
    if ('file' in part) show(null); // those words belong to another recording
    setDraft((was) => ({ ...was, ...part }));
  }

  const hear = () =>
    void begin((going) =>
      ask<Transcript>('/api/ai/speech-to-text', asked(draft, going)).finally(
        () => void mutate('/api/ai/limits'),
      ),
    );

  const failure = state.is === 'failed' ? state.failure : null;
  const done = state.is === 'done' ? state.result : null;
  return (
    <>
      <PageHead title="Transcribe">
        Bring a recording or speak into the microphone. Its words come with their times, as text or subtitles.
      </PageHead>
      <Workbench
        working={working}
        controls={
          <>
            <HearForm
              draft={draft}
              change={change}
              working={working}
              failure={failure}
              onHear={hear}
              onCancel={cancel}
            />
            <LimitLeft service="speech-to-text" />
          </>
        }
        stage={
          <>
            {failure && <Notice failure={failure} onRetry={() => void again()} />}
            {draft.file && src && (
              <Player
                playback={playback}
                src={src}
                source={draft.file}
                name="the recording"
                duration={done?.duration}
              />
            )}
            {working && <Hearing />}
            {done && draft.file && (
              <TranscriptPanel transcript={done} name={draft.file.name} playback={playback} />
            )}
            {!draft.file && (
              <Mat>
                <Empty icon={MessageSquareText} title="The words will stand here">
                  Choose a recording or make one, and press Transcribe.
                </Empty>
              </Mat>
            )}
          </>
        }
      />
    </>
  );
}
