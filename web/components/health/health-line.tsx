'use client';

import Link from 'next/link';
import useSWR from 'swr';
import { Dot } from '@/components/health/dot';
import type { Refused } from '@/lib/client/ask';
import type { Health } from '@/lib/shapes';

const WORDS: Record<Health['status'] | 'away' | 'signed_out', string> = {
  healthy: 'All services are ready',
  degraded: 'Some services are not ready',
  unhealthy: 'The services are not ready',
  away: 'The gateway cannot be reached',
  signed_out: 'Your sign-in has ended',
};

/** How everything is, in one line that leads to the details. */
export function HealthLine() {
  const { data, error } = useSWR<Health, Refused>('/api/ai/health', { refreshInterval: 15_000 });
  if (!data && !error) return <p className="min-h-6 text-soft">Asking how everything is …</p>;
  const status = error ? (error.status === 401 ? 'signed_out' : 'away') : (data?.status ?? 'away');
  return (
    <p className="min-h-6">
      <Link href="/dashboard/status" className="inline-flex items-center gap-2 text-soft hover:text-ink">
        <Dot status={status} />
        {WORDS[status]}
      </Link>
    </p>
  );
}
