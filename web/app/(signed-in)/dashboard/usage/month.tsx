'use client';

import { ChartColumn, ChevronLeft, ChevronRight, Download } from 'lucide-react';
import dynamic from 'next/dynamic';
import { useState } from 'react';
import useSWR from 'swr';
import { Button, buttonClass } from '@/components/ui/button';
import { Choice } from '@/components/ui/choice';
import { Notice } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { Empty, Skeleton } from '@/components/ui/states';
import type { Refused } from '@/lib/client/ask';
import type { UsageDays } from '@/lib/shapes';
import { monthAfter, monthInWords, thisMonth } from './months';
import { type By, columnsOf, totalsOf } from './sums';
import { Tiles, Totals } from './totals';

const Chart = dynamic(() => import('./chart').then((file) => file.Chart), {
  ssr: false,
  loading: () => <Skeleton className="h-72" />,
});

const WAYS = [
  { value: 'service', label: 'By service' },
  { value: 'model', label: 'By model' },
] as const;

/** A month of this tenant: its sums, a column a day, and a row for each service and model. */
export function Month() {
  const [month, setMonth] = useState(thisMonth);
  const [by, setBy] = useState<By>('service');
  const { data, error, mutate } = useSWR<UsageDays, Refused>(`/api/ai/usage/days?month=${month}`);
  const rows = data?.month === month ? data.days : null;
  return (
    <section aria-labelledby="month" className="grid gap-5">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <MonthSwitch month={month} onChange={setMonth} />
        <a
          href={`/api/ai/usage/days?month=${month}&format=csv`}
          download
          className={buttonClass({ size: 'small' })}
        >
          <Download aria-hidden className="size-4" /> CSV
        </a>
      </div>
      {error && <Notice failure={error} onRetry={() => void mutate()} />}
      {!rows && !error && <Skeleton className="h-96" />}
      {rows?.length === 0 && (
        <Panel>
          <Empty icon={ChartColumn} title="Nothing was used">
            What you make in {monthInWords(month)} will be counted here.
          </Empty>
        </Panel>
      )}
      {rows && rows.length > 0 && (
        <>
          <Tiles totals={totalsOf(rows)} />
          <Panel className="grid gap-5">
            <Choice legend="Show the requests" quiet value={by} options={WAYS} onChange={setBy} />
            <Chart {...columnsOf(month, rows, by)} />
          </Panel>
          <Totals totals={totalsOf(rows)} />
        </>
      )}
    </section>
  );
}

function MonthSwitch({ month, onChange }: { month: string; onChange: (month: string) => void }) {
  return (
    <div className="flex items-center gap-1">
      <Button
        look="quiet"
        size="icon"
        aria-label="The month before"
        onClick={() => onChange(monthAfter(month, -1))}
      >
        <ChevronLeft aria-hidden className="size-5" />
      </Button>
      <h2 id="month" aria-live="polite" className="min-w-36 text-center">
        {monthInWords(month)}
      </h2>
      <Button
        look="quiet"
        size="icon"
        aria-label="The month after"
        disabled={month >= thisMonth()}
        onClick={() => onChange(monthAfter(month, 1))}
      >
        <ChevronRight aria-hidden className="size-5" />
      </Button>
    </div>
  );
}
