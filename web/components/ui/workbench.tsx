'use client';

import { type ReactNode, useEffect, useRef } from 'react';
import { calmly } from '@/lib/client/motion';

interface WorkbenchProps {
  controls: ReactNode;
  stage: ReactNode;
  /** While it is, the stage is in view: on a narrow screen it lies below. */
  working: boolean;
}

/** The two columns of a tool: what one asks for, and what comes of it. */
export function Workbench({ controls, stage, working }: WorkbenchProps) {
  const shown = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (working) shown.current?.scrollIntoView({ block: 'nearest', behavior: calmly() });
  }, [working]);
  return (
    <div className="grid items-start gap-8 lg:grid-cols-[minmax(20rem,26rem)_minmax(0,1fr)] lg:gap-12">
      <div className="grid min-w-0 gap-5">{controls}</div>
      <div ref={shown} className="grid min-w-0 scroll-my-20 gap-6 lg:sticky lg:top-8">
        {stage}
      </div>
    </div>
  );
}
