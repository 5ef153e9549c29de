'use client';

import { useEffect, useState } from 'react';
import type { Health } from '@/lib/shapes';

const KEPT = 40;

/** The response times of each service, in milliseconds, since the page was opened; the newest last. */
export function useLatencies(health: Health | undefined): Record<string, number[]> {
  const [seen, setSeen] = useState<Record<string, number[]>>({});
  useEffect(() => {
    if (!health) return;
    setSeen((before) =>
      Object.fromEntries(
        Object.entries(health.services).map(([name, { response_time }]) => {
          const values = before[name] ?? [];
          return [name, response_time === null ? values : [...values, response_time].slice(-KEPT)];
        }),
      ),
    );
  }, [health]);
  return seen;
}
