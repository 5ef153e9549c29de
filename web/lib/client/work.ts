'use client';

/** One piece of work of a page at a time: idle, working, done or failed, and cancelled on request. */

import { useCallback, useEffect, useRef, useState } from 'react';
import { type Going, Refused } from '@/lib/client/ask';

export type WorkState<T> =
  | { is: 'idle' }
  | { is: 'working' }
  | { is: 'done'; result: T }
  | { is: 'failed'; failure: Refused };

export interface Work<T> {
  state: WorkState<T>;
  /** Cancels what was going on, and begins. */
  begin: (work: (going: Going) => Promise<T>) => Promise<void>;
  /** The same once more, under the same key: what was done already is neither done nor charged again. */
  again: () => Promise<void>;
  /** Ends what was going on, and forgets what came of the last. */
  cancel: () => void;
  /** Shows something that was made before. */
  show: (result: T) => void;
}

interface Begun<T> {
  work: (going: Going) => Promise<T>;
  key: string;
}

const UNKNOWN = { error: 'Something unexpected went wrong on this page. Try again.', code: 'failed' };

export function useWork<T>(): Work<T> {
  const [state, setState] = useState<WorkState<T>>({ is: 'idle' });
  const current = useRef<AbortController | null>(null);
  const begun = useRef<Begun<T> | null>(null);

  const cancel = useCallback(() => {
    current.current?.abort();
    current.current = null;
    setState({ is: 'idle' });
  }, []);

  const run = useCallback(async ({ work, key }: Begun<T>) => {
    current.current?.abort();
    const own = new AbortController();
    current.current = own;
    setState({ is: 'working' });
    try {
      const result = await work({ signal: own.signal, headers: { 'idempotency-key': key } });
      if (current.current === own) setState({ is: 'done', result });
    } catch (error) {
      if (current.current !== own) return; // cancelled, or something newer goes on
      setState({ is: 'failed', failure: error instanceof Refused ? error : new Refused(0, UNKNOWN) });
    }
  }, []);

  const begin = useCallback(
    (work: Begun<T>['work']) => {
      begun.current = { work, key: newKey() };
      return run(begun.current);
    },
    [run],
  );

  const again = useCallback(async () => {
    if (begun.current) await run(begun.current);
  }, [run]);

  const show = useCallback((result: T) => {
    current.current?.abort();
    current.current = null;
    setState({ is: 'done', result });
  }, []);

  useEffect(() => () => current.current?.abort(), []);

  return { state, begin, again, cancel, show };
}

/** Also where the app is not served over https, and crypto.randomUUID is missing. */
const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );
