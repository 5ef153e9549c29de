'use client';

import { Images } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import useSWRInfinite from 'swr/infinite';
import { Thumb } from '@/components/artifacts/thumb';
import { Button } from '@/components/ui/button';
import { Notice } from '@/components/ui/notice';
import { Empty, Skeleton, Spoken } from '@/components/ui/states';
import { ask, type Refused } from '@/lib/client/ask';
import { promptOf } from '@/lib/client/prompts';
import { moment, size } from '@/lib/client/words';
import type { Artifact, ArtifactPage } from '@/lib/shapes';
import { ArtifactDialog } from './artifact-dialog';
import { addressOf, type Filter, Filters } from './filters';

/** Pages of artifacts, newest first; one of them is looked at in a dialog. */
export function Gallery() {
  const [filter, setFilter] = useState<Filter>('all');
  const pages = useSWRInfinite<ArtifactPage, Refused>((index, last: ArtifactPage | null) =>
    index > 0 && !last?.next ? null : addressOf(filter, last?.next ?? null),
  );
  const [open, setOpen] = useState<Artifact | null>(null);
  const [said, setSaid] = useState('');
  const list = useRef<HTMLUListElement>(null);
  const artifacts = pages.data?.flatMap((page) => page.artifacts);
  const more = pages.data?.at(-1)?.next;

  useNamedInAddress(artifacts, setOpen);

  async function remove(artifact: Artifact) {
    await ask(artifact.url, { method: 'DELETE' });
    setOpen(null);
    setSaid('The artifact is deleted.');
    list.current?.focus();
    await pages.mutate();
  }

  return (
    <div className="grid gap-6">
      <Filters value={filter} onChange={setFilter} />
      <Spoken>{said}</Spoken>
      {pages.error && <Notice failure={pages.error} onRetry={() => void pages.mutate()} />}
      {artifacts?.length === 0 && (
        <Empty icon={Images} title="Nothing here">
          {filter === 'all' ? 'What you make will be kept here.' : 'Nothing of this kind was made yet.'}
        </Empty>
      )}
      <ul
        ref={list}
        tabIndex={-1}
        aria-label="Artifacts"
        className="grid grid-cols-2 gap-4 sm:grid-cols-3 lg:grid-cols-5"
        aria-busy={pages.isLoading}
      >
        {artifacts?.map((artifact) => (
          <Tile key={artifact.id} artifact={artifact} onOpen={() => setOpen(artifact)} />
        )) ??
          (!pages.error &&
            Array.from({ length: 10 }, (_, index) => <Skeleton key={index} className="aspect-square" />))}
      </ul>
      {more && (
        <Button
          className="justify-self-center"
          disabled={pages.isValidating}
          onClick={() => void pages.setSize(pages.size + 1)}
        >
          Show more
        </Button>
      )}
      <ArtifactDialog artifact={open} onClose={() => setOpen(null)} onDelete={remove} />
    </div>
  );
}

/** `#<id>` in the address opens that artifact, once. */
function useNamedInAddress(artifacts: Artifact[] | undefined, open: (artifact: Artifact) => void) {
  const [looked, setLooked] = useState(false);
  useEffect(() => {
    if (looked || !artifacts) return;
    setLooked(true);
    const named = artifacts.find(({ id }) => `#${id}` === window.location.hash);
    if (named) open(named);
  }, [artifacts, looked, open]);
}

function Tile({ artifact, onOpen }: { artifact: Artifact; onOpen: () => void }) {
  return (
    <li>
      <button type="button" onClick={onOpen} className="grid w-full gap-2 text-left">
        <Thumb artifact={artifact} />
        <span className="grid gap-0.5">
          <span className="truncate text-sm">{promptOf(artifact.id) ?? moment(artifact.created_at)}</span>
          <span className="text-xs text-soft">{size(artifact.bytes)}</span>
        </span>
      </button>
    </li>
  );
}
