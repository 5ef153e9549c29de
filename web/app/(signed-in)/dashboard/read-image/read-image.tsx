'use client';

import { ScanText } from 'lucide-react';
import { useState } from 'react';
import { useSWRConfig } from 'swr';
import { DropZone } from '@/components/ui/drop-zone';
import { LimitLeft } from '@/components/ui/limit-left';
import { Notice } from '@/components/ui/notice';
import { PageHead } from '@/components/ui/panel';
import { Workbench } from '@/components/ui/workbench';
import { ask } from '@/lib/client/ask';
import { useSource } from '@/lib/client/source';
import { useWork } from '@/lib/client/work';
import type { Reading } from '@/lib/shapes';
import { Answer } from './answer';
import { type Asked, QuestionForm } from './question-form';
import { Sheet } from './sheet';

/** The page: a picture on one side, what is asked about it, and the answer with every line of text where it stands. */
export function ReadImage({ artifact }: { artifact: string | null }) {
  const { source, failure: unread, choose } = useSource(artifact);
  const [asked, setAsked] = useState<Asked>({ task: 'both', question: '' });
  const [line, setLine] = useState<number | null>(null);
  const { state, begin, again, cancel } = useWork<Reading>();
  const { mutate } = useSWRConfig();
  const reading = state.is === 'done' ? state.result : null;

  function take(file: File | null) {
    cancel();
    choose(file);
    setLine(null);
  }

  function read() {
    if (!source) return;
    void begin(async (going) => {
      try {
        return await ask<Reading>('/api/ai/image-to-text', {
          method: 'POST',
          body: formOf(source.file, asked),
          ...going,
        });
      } finally {
        void mutate('/api/ai/limits');
      }
    });
  }

  const failure = state.is === 'failed' ? state.failure : unread;
  return (
    <>
      <PageHead title="Read an image">
        What a picture shows, an answer to a question about it, and every word that stands in it.
      </PageHead>
      <Workbench
        working={state.is === 'working'}
        controls={
          <>
            <DropZone
              icon={ScanText}
              label={source ? 'Choose another picture' : 'Drop a picture here, or choose one'}
              hint="PNG, JPEG or WebP; for its text also a PDF"
              accept="image/*,application/pdf"
              onFile={take}
            />
            <QuestionForm
              asked={asked}
              onChange={setAsked}
              ready={source !== null}
              working={state.is === 'working'}
              failure={failure}
              onRead={read}
              onCancel={cancel}
            />
            <LimitLeft service="image-to-text" />
          </>
        }
        stage={
          <>
            {failure && (
              <Notice failure={failure} onRetry={state.is === 'failed' ? () => void again() : undefined} />
            )}
            <Sheet
              source={source}
              working={state.is === 'working'}
              lines={reading?.ocr_lines ?? null}
              chosen={line}
              onChoose={setLine}
            />
            {reading && <Answer reading={reading} chosen={line} onChoose={setLine} />}
          </>
        }
      />
    </>
  );
}

function formOf(file: File, { task, question }: Asked): FormData {
  const form = new FormData();
  form.set('task', task);
  if (question.trim() && task !== 'ocr') form.set('question', question.trim());
  form.set('file', file);
  return form;
}
