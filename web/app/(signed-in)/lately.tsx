'use client';

import Link from 'next/link';
import useSWR from 'swr';
import { Thumb } from '@/components/artifacts/thumb';
import { Skeleton } from '@/components/ui/states';
import type { ArtifactPage } from '@/lib/shapes';

/** The newest things that this tenant made; nothing where there are none. */
export function Lately() {
  const { data, error } = useSWR<ArtifactPage>('/api/ai/artifacts?limit=6');
  if (error || data?.artifacts.length === 0) return null;
  return (
    <section aria-labelledby="lately" className="grid gap-4">
      <div className="flex items-baseline justify-between gap-4">
        <h2 id="lately">Made lately</h2>
        <Link
          href="/dashboard/artifacts"
          className="text-[0.9375rem] text-accent underline underline-offset-4"
        >
          All artifacts
        </Link>
      </div>
      <ul className="grid grid-cols-3 gap-3 lg:grid-cols-6" aria-busy={!data}>
        {data?.artifacts.map((artifact) => (
          <li key={artifact.id}>
            <Link href={`/dashboard/artifacts#${artifact.id}`} className="block">
              <Thumb artifact={artifact} />
            </Link>
          </li>
        )) ?? Array.from({ length: 6 }, (_, index) => <Skeleton key={index} className="aspect-square" />)}
      </ul>
    </section>
  );
}
