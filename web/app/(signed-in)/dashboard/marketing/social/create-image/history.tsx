'use client';

import { History as HistoryIcon } from 'lucide-react';
import useSWR from 'swr';
import { Notice } from '@/components/ui/notice';
import { Empty, Skeleton } from '@/components/ui/states';
import { ask, type Refused } from '@/lib/client/ask';
import { calmly } from '@/lib/client/motion';
import { promptOf } from '@/lib/client/prompts';
import { moment } from '@/lib/client/words';
import type { Artifact, ArtifactPage, Picture } from '@/lib/shapes';

/** What is asked for the history; mutate it when there is something new. */
export const HISTORY = 'pictures made before';

const SHOWN = 12;

/** The pictures that this tenant made before, newest first. */
export function History({ onShow }: { onShow: (picture: Picture) => void }) {
  const { data: pictures, error, mutate } = useSWR<Artifact[], Refused>(HISTORY, madeBefore);
  return (
    <section aria-labelledby="history" className="mt-14 grid gap-4">
      <h2 id="history">Made before</h2>
      {error && !pictures && <Notice failure={error} onRetry={() => void mutate()} />}
      {pictures?.length === 0 && (
        <Empty icon={HistoryIcon} title="Nothing yet">
          Every picture that you make is kept here.
        </Empty>
      )}
      <ul className="grid grid-cols-3 gap-3 sm:grid-cols-4 lg:grid-cols-6" aria-busy={!pictures}>
        {pictures?.map((artifact) => <Entry key={artifact.id} artifact={artifact} onShow={onShow} />) ??
          (!error &&
            Array.from({ length: 6 }, (_, index) => <Skeleton key={index} className="aspect-square" />))}
      </ul>
    </section>
  );
}

/** By service, and the newest of any kind: a service is known only once its usage is written. */
async function madeBefore(): Promise<Artifact[]> {
  const queries = ['', '&service=text-to-image', '&service=image-to-image'];
  const pages = await Promise.all(
    queries.map((query) => ask<ArtifactPage>(`/api/ai/artifacts?limit=${SHOWN}${query}`)),
  );
  const found = new Map(pages.flatMap((page) => page.artifacts).map((artifact) => [artifact.id, artifact]));
  return [...found.values()]
    .filter((artifact) => artifact.media_type.startsWith('image/'))
    .sort((a, b) => b.created_at.localeCompare(a.created_at))
    .slice(0, SHOWN);
}

function Entry({ artifact, onShow }: { artifact: Artifact; onShow: (picture: Picture) => void }) {
  const prompt = promptOf(artifact.id);
  const show = () => {
    onShow({ id: artifact.id, url: artifact.url, seed: null, width: 0, height: 0 });
    window.scrollTo({ top: 0, behavior: calmly() });
  };
  return (
    <li>
      <button
        type="button"
        onClick={show}
        aria-label={prompt ? `Show: ${prompt}` : `Show the picture of ${moment(artifact.created_at)}`}
        className="group block w-full overflow-hidden rounded-lg border bg-mat text-left"
      >
        <img
          src={artifact.url}
          alt=""
          loading="lazy"
          className="aspect-square w-full object-cover transition-transform duration-300 group-hover:scale-[1.03]"
        />
        <span className="block truncate bg-surface px-2 py-1.5 text-xs text-soft">
          {prompt ?? moment(artifact.created_at)}
        </span>
      </button>
    </li>
  );
}
