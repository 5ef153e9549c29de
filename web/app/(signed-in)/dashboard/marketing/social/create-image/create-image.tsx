'use client';

import { lazy, Suspense, useState } from 'react';
import { useSWRConfig } from 'swr';
import { LimitLeft } from '@/components/ui/limit-left';
import { Notice } from '@/components/ui/notice';
import { PageHead } from '@/components/ui/panel';
import { Workbench } from '@/components/ui/workbench';
import { useFeatures } from '@/lib/client/features';
import { makePictures, type Preview } from '@/lib/client/pictures';
import { promptOf, rememberPrompt } from '@/lib/client/prompts';
import { useWork } from '@/lib/client/work';
import type { Picture, Pictures } from '@/lib/shapes';
import { asked, BLANK, type Draft } from './draft';
import { HISTORY, History } from './history';
import { PromptForm } from './prompt-form';
import { Stage } from './stage';

/** Loaded while the first picture is made: the page is there sooner without it. */
const loadResults = () => import('./results');
const Results = lazy(() => loadResults().then((file) => ({ default: file.Results })));

/** The page: what is asked for on one side, the picture as it is made on the other, and those made before below. */
export function CreateImage({ prompt, start }: { prompt: string; start: string | null }) {
  const [draft, setDraft] = useState<Draft>({ ...BLANK, prompt, start });
  const [made, setMade] = useState<Draft>(draft);
  const [preview, setPreview] = useState<Preview | null>(null);
  const { state, begin, again, cancel, show } = useWork<Pictures>();
  const { mutate } = useSWRConfig();
  const { artifacts } = useFeatures();
  const change = (part: Partial<Draft>) => setDraft((was) => ({ ...was, ...part }));

  function create(wanted: Draft) {
    void loadResults();
    setMade(wanted);
    setPreview(null);
    void begin(async (going) => {
      try {
        const pictures = await makePictures(...asked(wanted, going), setPreview);
        for (const picture of pictures.images) rememberPrompt(picture.id, wanted.prompt);
        return pictures;
      } finally {
        void mutate('/api/ai/limits');
        void mutate(HISTORY);
      }
    });
  }

  const vary = (picture: Picture) =>
    create({
      ...draft,
      prompt: promptOf(picture.id) ?? draft.prompt,
      start: picture.id,
      strength: 0.5,
      seed: '',
    });

  const startFrom = (picture: Picture) => {
    change({ start: picture.id, prompt: draft.prompt || (promptOf(picture.id) ?? '') });
    document.getElementById('prompt')?.focus();
  };

  const failure = state.is === 'failed' ? state.failure : null;
  return (
    <>
      <PageHead title="Create an image">
        Say what it should show and where it will be seen. It appears while it is made.
      </PageHead>
      <Workbench
        working={state.is === 'working'}
        controls={
          <>
            <PromptForm
              draft={draft}
              change={change}
              working={state.is === 'working'}
              failure={failure}
              onCreate={() => create(draft)}
              onCancel={cancel}
            />
            <LimitLeft service={draft.start ? 'image-to-image' : 'text-to-image'} />
          </>
        }
        stage={
          <>
            {failure && <Notice failure={failure} onRetry={() => void again()} />}
            {state.is === 'done' ? (
              <Suspense fallback={<Stage size={made.size} working preview={preview} />}>
                <Results pictures={state.result} prompt={made.prompt} onVary={vary} onStart={startFrom} />
              </Suspense>
            ) : (
              <Stage size={made.size} working={state.is === 'working'} preview={preview} />
            )}
          </>
        }
      />
      {artifacts && (
        <History
          onShow={(picture) =>
            show({ images: [picture], revised_prompt: null, model: '', warnings: [], request_id: '' })
          }
        />
      )}
    </>
  );
}
