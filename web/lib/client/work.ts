'use client';

/** One piece of work of a page at a time: idle, working, done or failed, and cancelled on request. */

import { useCallback, useEffect, useRef, useState } from 'react';
import { Refused } from '@/lib/client/ask';

export type WorkState<T> =
  | { is: 'idle' }
  | { is: 'working' }
  | { is: 'done'; result: T }
  | { is: 'failed'; failure: Refused };

export interface Work<T> {
  state: WorkState<T>;
  /** Cancels what was going on, and begins. */
  begin: (work: (signal: AbortSignal) => Promise<T>) => Promise<void>;
  /** Ends what was going on, and forgets what came of the last. */
  cancel: () => void;
  /** Shows something that was made before. */
  show: (result: T) => void;
}

const UNKNOWN = { error: 'Something unexpected went wrong on this page. Try again.', code: 'failed' };

export function useWork<T>(): Work<T> {
  const [state, setState] = useState<WorkState<T>>({ is: 'idle' });
  const current = useRef<AbortController | null>(null);

  const cancel = useCallback(() => {
    current.current?.abort();
    current.current = null;
    setState({ is: 'idle' });
  }, []);

  const begin = useCallback(async (work: (signal: AbortSignal) => Promise<T>) => {
    current.current?.abort();
    const own = new AbortController();
    current.current = own;
    setState({ is: 'working' });
    try {
      const result = await work(own.signal);
      if (current.current === own) setState({ is: 'done', result });
    } catch (error) {
      if (current.current !== own) return; // cancelled, or something newer goes on
      setState({ is: 'failed', failure: error instanceof Refused ? error : new Refused(0, UNKNOWN) });
    }
  }, []);

  const show = useCallback((result: T) => {
    current.current?.abort();
    current.current = null;
    setState({ is: 'done', result });
  }, []);

  useEffect(() => () => current.current?.abort(), []);

  return { state, begin, cancel, show };
}
