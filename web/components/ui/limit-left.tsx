'use client';

import useSWR from 'swr';
import { useFeatures } from '@/lib/client/features';
import { span, whole } from '@/lib/client/words';
import type { Limit, Service } from '@/lib/shapes';

/** What is left of the tightest limit on requests of this service. Ask again by mutating `/api/ai/limits`. */
export function LimitLeft({ service }: { service: Service }) {
  const { data } = useSWR<{ limits: Limit[] }>(useFeatures().limits ? '/api/ai/limits' : null);
  const tightest = data?.limits
    .filter((limit) => limit.measure === 'requests' && (limit.service === service || limit.service === '*'))
    .sort((a, b) => a.left - b.left)[0];
  if (!tightest) return <p className="min-h-5 text-sm text-soft" />;
  const used = tightest.left <= 0;
  return (
    <p className={`min-h-5 text-sm ${used ? 'text-warn' : 'text-soft'}`}>
      {used
        ? `The limit of ${whole(tightest.allowed)} a ${tightest.per} is used up. More in ${span(tightest.resets_in)}.`
        : `${whole(tightest.left)} of ${whole(tightest.allowed)} left this ${tightest.per}`}
    </p>
  );
}
