'use client';

import { ArrowLeft } from 'lucide-react';
import Link from 'next/link';
import { useEffect, useRef, useState } from 'react';
import useSWR, { useSWRConfig } from 'swr';
import { Notice } from '@/components/ui/notice';
import { PageHead } from '@/components/ui/panel';
import { Spoken } from '@/components/ui/states';
import { Workbench } from '@/components/ui/workbench';
import { ask, type Refused } from '@/lib/client/ask';
import { useModels } from '@/lib/client/models';
import { useWork } from '@/lib/client/work';
import type { OwnVoice, OwnVoices } from '@/lib/shapes';
import { asked, BLANK, type Draft, elsewhere, today } from './draft';
import { NoMore, Unspoken } from './notes';
import { VoiceForm } from './voice-form';
import { VoiceList } from './voice-list';

const VOICES = '/api/ai/voices';

/** The page: a new voice on one side, those that there are on the other. */
export function Voices({ tenant }: { tenant: string }) {
  const { data, error, mutate } = useSWR<OwnVoices, Refused>(VOICES);
  const { models = [] } = useModels('text-to-speech');
  const { mutate: refresh } = useSWRConfig();
  const { state, begin, again, cancel } = useWork<OwnVoice>();
  const [draft, setDraft] = useState<Draft>(BLANK);
  const [said, setSaid] = useState('');
  const list = useRef<HTMLElement>(null);
  const working = state.is === 'working';
  const failure = state.is === 'failed' ? state.failure : null;
  const cloner = models.find(({ clones }) => clones);
  useEffect(() => setDraft((was) => ({ ...was, on: was.on || today() })), []);

  async function look() {
    void refresh('/api/ai/models');
    void refresh('/api/ai/limits');
    await mutate();
  }

  function add() {
    setSaid('');
    void begin(async (going) => {
      try {
        const added = await ask<OwnVoice>(VOICES, asked(draft, tenant, going));
        setDraft({ ...BLANK, on: today() });
        setSaid(`${added.name} is added.`);
        list.current?.focus();
        return added;
      } finally {
        await look();
      }
    });
  }

  async function remove(voice: OwnVoice) {
    await ask(`${VOICES}/${voice.id}`, { method: 'DELETE' });
    setSaid(`${voice.name} is deleted.`);
    list.current?.focus();
    await look();
  }

  const full = data !== undefined && data.voices.length >= data.most;
  return (
    <>
      <Link
        href="/dashboard/speech"
        className="mb-3 inline-flex min-h-9 items-center gap-1.5 text-[0.9375rem] text-soft hover:text-ink"
      >
        <ArrowLeft aria-hidden className="size-4" /> Speech
      </Link>
      <PageHead title="Your voices">
        Somebody speaks for 6 to 30 seconds and agrees, and texts can be spoken in that voice.
      </PageHead>
      <Spoken>{said}</Spoken>
      {models.length > 0 && !cloner && <Unspoken models={models} />}
      <Workbench
        working={working}
        controls={
          full ? (
            <NoMore most={data.most} />
          ) : (
            <VoiceForm
              draft={draft}
              change={(part) => setDraft((was) => ({ ...was, ...part }))}
              tenant={tenant}
              models={models}
              working={working}
              failure={failure}
              onAdd={add}
              onCancel={cancel}
            />
          )
        }
        stage={
          <>
            {elsewhere(failure) && failure && <Notice failure={failure} onRetry={() => void again()} />}
            {error && !data && <Notice failure={error} onRetry={() => void mutate()} />}
            <VoiceList
              box={list}
              found={data}
              failed={error !== undefined}
              coming={working ? draft.name.trim() : null}
              cloner={cloner}
              onDelete={remove}
            />
          </>
        }
      />
    </>
  );
}
