'use client';

import useSWR from 'swr';
import { Notice } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { Skeleton } from '@/components/ui/states';
import type { Refused } from '@/lib/client/ask';
import { fine, span, title } from '@/lib/client/words';
import type { Limit } from '@/lib/shapes';

/** Each limit that applies to this tenant, and what is left of it. */
export function Limits() {
  const { data, error, mutate } = useSWR<{ limits: Limit[] }, Refused>('/api/ai/limits', {
    refreshInterval: 15_000,
  });
  return (
    <section aria-labelledby="limits" className="grid gap-4">
      <h2 id="limits">Limits</h2>
      {error && !data && <Notice failure={error} onRetry={() => void mutate()} />}
      {!data && !error && <Skeleton className="h-40" />}
      {data && (
        <Panel>
          {data.limits.length === 0 ? (
            <p className="text-soft">Nothing is limited.</p>
          ) : (
            <ul className="grid gap-x-10 gap-y-5 sm:grid-cols-2">
              {data.limits.map((limit) => (
                <LimitBar key={`${limit.service} ${limit.measure} ${limit.per}`} limit={limit} />
              ))}
            </ul>
          )}
        </Panel>
      )}
    </section>
  );
}

function LimitBar({ limit }: { limit: Limit }) {
  const share = limit.allowed > 0 ? Math.max(0, limit.left) / limit.allowed : 0;
  const name = limit.service === '*' ? 'All services' : title(limit.service);
  return (
    <li className="grid gap-1.5">
      <div className="flex items-baseline justify-between gap-3">
        <span className="text-[0.9375rem] font-medium">{name}</span>
        <span className="text-sm text-soft">
          {fine(Math.max(0, limit.left))} of {fine(limit.allowed)} {limit.unit} left
        </span>
      </div>
      <div className="h-1.5 overflow-hidden rounded-full bg-mat">
        <div
          className={`h-full rounded-full ${share === 0 ? 'bg-bad' : share < 0.2 ? 'bg-warn' : 'bg-accent'}`}
          style={{ width: `${Math.round(share * 100)}%` }}
        />
      </div>
      <p className="text-sm text-soft">
        {limit.per === null ? 'At the same time' : `Each ${limit.per}`}
        {limit.resets_in > 0 && `; more in ${span(limit.resets_in)}`}
      </p>
    </li>
  );
}
