'use client';

/** A picture to work on: a file that was dropped, or an artifact of one's own, with an address that can be shown. */

import { useCallback, useEffect, useState } from 'react';
import { Refused, request } from '@/lib/client/ask';

export interface Source {
  file: File;
  /** A blob address, good as long as this source is shown. */
  url: string;
}

interface Chosen {
  source: Source | null;
  failure: Refused | null;
  choose: (file: File | null) => void;
  chooseArtifact: (id: string) => Promise<void>;
}

/** `artifact`: the id of the picture to begin with. */
export function useSource(artifact: string | null): Chosen {
  const [source, setSource] = useState<Source | null>(null);
  const [failure, setFailure] = useState<Refused | null>(null);

  const choose = useCallback((file: File | null) => {
    setFailure(null);
    setSource(file && { file, url: URL.createObjectURL(file) });
  }, []);

  const chooseArtifact = useCallback(
    async (id: string) => {
      try {
        const answer = await request(`/api/ai/artifacts/${encodeURIComponent(id)}`);
        const blob = await answer.blob();
        choose(new File([blob], 'picture', { type: blob.type }));
      } catch (error) {
        if (error instanceof Refused) setFailure(error);
      }
    },
    [choose],
  );

  useEffect(() => {
    if (artifact) void chooseArtifact(artifact);
  }, [artifact, chooseArtifact]);

  useEffect(() => () => URL.revokeObjectURL(source?.url ?? ''), [source]);

  return { source, failure, choose, chooseArtifact };
}
