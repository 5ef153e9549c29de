'use client';

import { useEffect, useState } from 'react';
import { type Outline, outlineOf } from '@/components/sound/peaks';
import { request } from '@/lib/client/ask';

const PARTS = 400;
const NONE: Outline = { peaks: [], duration: 0 };

/** The outline of a recording; empty until it is there, and where the browser cannot decode it. */
export function useOutline(source: Blob | string): Outline {
  const [outline, setOutline] = useState(NONE);
  useEffect(() => {
    const stop = new AbortController();
    setOutline(NONE);
    fileOf(source, stop.signal)
      .then((file) => outlineOf(file, PARTS))
      .then((found) => !stop.signal.aborted && setOutline(found))
      .catch(() => undefined); // it plays all the same
    return () => stop.abort();
  }, [source]);
  return outline;
}

async function fileOf(source: Blob | string, signal: AbortSignal): Promise<Blob> {
  return typeof source === 'string' ? (await request(source, { signal })).blob() : source;
}
