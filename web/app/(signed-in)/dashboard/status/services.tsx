'use client';

import useSWR from 'swr';
import { Dot } from '@/components/health/dot';
import { Notice } from '@/components/ui/notice';
import { Skeleton, Spoken } from '@/components/ui/states';
import type { Refused } from '@/lib/client/ask';
import { fine, title, whole } from '@/lib/client/words';
import type { Health, ServiceHealth } from '@/lib/shapes';
import { useLatencies } from './latencies';
import { Sparkline } from './sparkline';

const OVERALL: Record<Health['status'], string> = {
  healthy: 'Everything is ready.',
  degraded: 'Something is not as it should be; the rest goes on.',
  unhealthy: 'No request can be served just now.',
};

const STATES: Record<ServiceHealth['status'], string> = {
  healthy: 'Ready',
  starting: 'Starting',
  degraded: 'Limping',
  unhealthy: 'Away',
};

export function Services() {
  const { data, error, mutate } = useSWR<Health, Refused>('/api/ai/health', { refreshInterval: 5000 });
  const latencies = useLatencies(data);
  if (error) return <Notice failure={error} onRetry={() => void mutate()} />;
  if (!data) return <Skeleton className="h-96" />;
  return (
    <div className="grid gap-6">
      <p className="flex items-center gap-3 rounded-xl border bg-surface p-4 text-lg font-medium shadow-card">
        <Dot status={data.status} />
        {OVERALL[data.status]}
      </p>
      <Spoken>{OVERALL[data.status]}</Spoken>
      <ul className="grid gap-3">
        {Object.entries(data.services).map(([name, service]) => (
          <ServiceRow key={name} name={name} service={service} latencies={latencies[name] ?? []} />
        ))}
      </ul>
      <p className="text-sm text-soft">
        Asked at <time dateTime={data.timestamp}>{new Date(data.timestamp).toLocaleTimeString('en')}</time>
      </p>
    </div>
  );
}

function ServiceRow({
  name,
  service,
  latencies,
}: {
  name: string;
  service: ServiceHealth;
  latencies: number[];
}) {
  return (
    <li className="grid items-center gap-x-6 gap-y-3 rounded-xl border bg-surface p-4 sm:grid-cols-[minmax(0,1.5fr)_repeat(3,minmax(0,1fr))]">
      <div className="flex min-w-0 items-center gap-3">
        <Dot status={service.status} />
        <div className="min-w-0">
          <h2>{title(name)}</h2>
          <p className="truncate text-sm text-soft" title={service.model ?? undefined}>
            {service.model ?? 'No model is ready'}
          </p>
        </div>
      </div>
      <Fact label="State">{STATES[service.status]}</Fact>
      <Fact label="Answers in">
        <span className="flex items-center gap-3">
          <span className="min-w-16 tabular-nums">
            {service.response_time === null ? '–' : `${fine(service.response_time)} ms`}
          </span>
          <Sparkline values={latencies} />
        </span>
      </Fact>
      <Fact label="Queue">
        {service.queue
          ? `${whole(service.queue.running)} running, ${whole(service.queue.waiting)} waiting`
          : '–'}
      </Fact>
    </li>
  );
}

function Fact({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <dl className="flex items-baseline justify-between gap-3 sm:grid sm:gap-0.5">
      <dt className="text-sm text-soft">{label}</dt>
      <dd className="text-[0.9375rem]">{children}</dd>
    </dl>
  );
}
