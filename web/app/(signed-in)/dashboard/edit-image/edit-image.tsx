'use client';

import { ImageUp } from 'lucide-react';
import { useRef, useState } from 'react';
import { useSWRConfig } from 'swr';
import { UNTUNED } from '@/components/pictures/tuning';
import { DropZone } from '@/components/ui/drop-zone';
import { LimitLeft } from '@/components/ui/limit-left';
import { Notice } from '@/components/ui/notice';
import { PageHead } from '@/components/ui/panel';
import { Workbench } from '@/components/ui/workbench';
import { makePictures, type Preview } from '@/lib/client/pictures';
import { rememberPrompt } from '@/lib/client/prompts';
import { useSource } from '@/lib/client/source';
import { useWork } from '@/lib/client/work';
import type { Pictures } from '@/lib/shapes';
import { type Change, formOf } from './change';
import { ChangeForm } from './change-form';
import { Changed } from './changed';
import { Easel } from './easel';
import type { MaskHandle } from './mask';

/** The page: a picture, what should become of it and where, and the two side by side. */
export function EditImage({ artifact }: { artifact: string | null }) {
  const { source, failure: unread, choose, chooseArtifact } = useSource(artifact);
  const [change, setChange] = useState<Change>({ ...UNTUNED, prompt: '', strength: 0.6, part: false });
  const [preview, setPreview] = useState<Preview | null>(null);
  const [painted, setPainted] = useState(false);
  const mask = useRef<MaskHandle | null>(null);
  const { state, begin, again, cancel } = useWork<Pictures>();
  const { mutate } = useSWRConfig();

  function take(file: File) {
    cancel();
    setPreview(null);
    choose(file);
  }

  function make() {
    if (!source) return;
    setPreview(null);
    void begin(async (going) => {
      try {
        const body = await formOf(
          source.file,
          change,
          change.part ? ((await mask.current?.file()) ?? null) : null,
        );
        const made = await makePictures(
          '/api/ai/image-to-image',
          { method: 'POST', body, ...going },
          setPreview,
        );
        for (const picture of made.images) rememberPrompt(picture.id, change.prompt);
        return made;
      } finally {
        void mutate('/api/ai/limits');
      }
    });
  }

  async function goOn(id: string) {
    cancel();
    setPreview(null);
    await chooseArtifact(id);
  }

  const failure = state.is === 'failed' ? state.failure : unread;
  const working = state.is === 'working';
  return (
    <>
      <PageHead title="Edit an image">
        A new picture from an old one. Say what the whole should show, and paint over the part that may
        change, if not all of it.
      </PageHead>
      <Workbench
        working={state.is === 'working'}
        controls={
          <>
            <DropZone
              icon={ImageUp}
              label={source ? 'Choose another picture' : 'Drop a picture here, or choose one'}
              hint="PNG, JPEG or WebP"
              accept="image/png,image/jpeg,image/webp"
              onFile={take}
            />
            <ChangeForm
              change={change}
              onChange={(part) => setChange((was) => ({ ...was, ...part }))}
              ready={
                source !== null &&
                (change.prompt.trim() !== '' || change.style !== '') &&
                (!change.part || painted)
              }
              working={working}
              failure={failure}
              onMake={make}
              onCancel={cancel}
            />
            <LimitLeft service="image-to-image" />
          </>
        }
        stage={
          <>
            {failure && (
              <Notice failure={failure} onRetry={state.is === 'failed' ? () => void again() : undefined} />
            )}
            {state.is === 'done' && source && (
              <Changed before={source.url} pictures={state.result} onGoOn={goOn} onAgain={cancel} />
            )}
            {/* Never away, or what was painted would be. */}
            <div className={state.is === 'done' ? 'hidden' : 'contents'}>
              <Easel
                source={source}
                painting={change.part}
                working={working}
                preview={preview}
                mask={mask}
                onPaint={setPainted}
              />
            </div>
          </>
        }
      />
    </>
  );
}
