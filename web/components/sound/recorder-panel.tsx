'use client';

import { MicOff, Square } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button } from '@/components/ui/button';
import { Spoken } from '@/components/ui/states';
import { clock } from '@/lib/client/words';
import { Level } from './level';
import type { Recorder, Refusal } from './recorder';

const REFUSALS: Record<Refusal, { title: string; remedy: string }> = {
  denied: {
    title: 'The microphone is not allowed',
    remedy:
      'Allow it for this site in the address bar of the browser, then try again. A file works without it.',
  },
  missing: {
    title: 'No microphone was found',
    remedy: 'Connect one, or close the program that holds it, then try again. A file works without it.',
  },
  unsupported: {
    title: 'This browser cannot record here',
    remedy: 'Recording needs a recent browser and a secure address (https). A file works without it.',
  },
};

interface RecorderPanelProps {
  recorder: Recorder;
  /** Seconds, where there is an end to them. */
  longest?: number;
}

/** The microphone's own panel: asking for it, recording, or why it cannot. */
export function RecorderPanel({ recorder, longest }: RecorderPanelProps) {
  const { state } = recorder;
  if (state.is === 'refused') return <Refused why={state.why} onRetry={recorder.begin} />;
  return (
    <div className="grid gap-4 rounded-xl border border-accent bg-surface p-5">
      {state.is === 'recording' ? (
        <>
          <p className="flex items-center gap-2.5 font-medium">
            <span
              aria-hidden
              className="size-3 rounded-full bg-bad motion-safe:animate-[breathe_1.6s_ease-in-out_infinite]"
            />
            Recording
            <span className="ml-auto font-normal text-soft">
              <Elapsed since={state.since} />
              {longest && ` of ${clock(longest)}`}
            </span>
          </p>
          <Level stream={state.stream} />
          <Spoken>The microphone is recording.</Spoken>
        </>
      ) : (
        <p role="status" className="text-[0.9375rem] text-soft">
          The browser asks whether this page may use the microphone.
        </p>
      )}
      <div className="flex gap-2">
        {state.is === 'recording' && (
          <Button look="primary" className="flex-1" onClick={recorder.finish}>
            <Square aria-hidden className="size-4 fill-current" /> Finish
          </Button>
        )}
        <Button onClick={recorder.discard}>Discard</Button>
      </div>
    </div>
  );
}

function Refused({ why, onRetry }: { why: Refusal; onRetry: () => void }) {
  const { title, remedy } = REFUSALS[why];
  return (
    <div role="alert" className="flex gap-3 rounded-lg border border-warn/40 bg-warn-wash p-4">
      <MicOff aria-hidden className="mt-0.5 size-5 shrink-0 text-warn" />
      <div className="grid gap-1">
        <p className="font-semibold text-warn">{title}</p>
        <p className="text-[0.9375rem]">{remedy}</p>
        <div className="pt-2">
          <Button size="small" onClick={onRetry}>
            Try again
          </Button>
        </div>
      </div>
    </div>
  );
}

function Elapsed({ since }: { since: number }) {
  const [now, setNow] = useState(since);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, []);
  return clock((now - since) / 1000);
}
