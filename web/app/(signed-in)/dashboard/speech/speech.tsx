'use client';

import { AudioLines } from 'lucide-react';
import { useState } from 'react';
import { useSWRConfig } from 'swr';
import { LimitLeft } from '@/components/ui/limit-left';
import { Mat } from '@/components/ui/mat';
import { Notice } from '@/components/ui/notice';
import { PageHead } from '@/components/ui/panel';
import { Empty } from '@/components/ui/states';
import { Workbench } from '@/components/ui/workbench';
import { ask } from '@/lib/client/ask';
import { useFeatures } from '@/lib/client/features';
import { rememberPrompt } from '@/lib/client/prompts';
import { useWork } from '@/lib/client/work';
import type { Speech as Spoken } from '@/lib/shapes';
import { asked, BLANK, type Draft } from './draft';
import { Recording } from './recording';
import { RECORDINGS, Recordings } from './recordings';
import { Speaking } from './speaking';
import { SpeechForm } from './speech-form';

const REMEMBERED = 200;

/** The page: a text and a voice on one side, the recording on the other, and those made before below. */
export function Speech({ voice, model }: Pick<Draft, 'voice' | 'model'>) {
  const [draft, setDraft] = useState<Draft>({ ...BLANK, voice, model });
  const [made, setMade] = useState<Draft>(BLANK);
  const { state, begin, again, cancel } = useWork<Spoken>();
  const { mutate } = useSWRConfig();
  const { artifacts } = useFeatures();
  const working = state.is === 'working';

  function speak(wanted: Draft) {
    setMade(wanted);
    void begin(async (going) => {
      try {
        const spoken = await ask<Spoken>('/api/ai/text-to-speech', asked(wanted, going));
        rememberPrompt(spoken.id, wanted.text.trim().slice(0, REMEMBERED));
        return spoken;
      } finally {
        void mutate('/api/ai/limits');
        void mutate(RECORDINGS);
      }
    });
  }

  const failure = state.is === 'failed' ? state.failure : null;
  return (
    <>
      <PageHead title="Speech">Write what is to be said, choose a voice, and listen.</PageHead>
      <Workbench
        working={working}
        controls={
          <>
            <SpeechForm
              draft={draft}
              change={(part) => setDraft((was) => ({ ...was, ...part }))}
              working={working}
              failure={failure}
              onSpeak={() => speak(draft)}
              onCancel={cancel}
            />
            <LimitLeft service="text-to-speech" />
          </>
        }
        stage={
          <>
            {failure && <Notice failure={failure} onRetry={() => void again()} />}
            {working && <Speaking />}
            {state.is === 'done' && (
              <Recording key={state.result.id} speech={state.result} text={made.text} />
            )}
            {!working && state.is !== 'done' && (
              <Mat>
                <Empty icon={AudioLines} title="Nothing was said yet">
                  Your recording will be here, to play, download and pass on.
                </Empty>
              </Mat>
            )}
          </>
        }
      />
      {artifacts && <Recordings />}
    </>
  );
}
