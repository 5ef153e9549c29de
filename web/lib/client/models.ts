'use client';

/** The models of one service, the default first. */

import useSWR from 'swr';
import type { Refused } from '@/lib/client/ask';
import type { Model, Service } from '@/lib/shapes';

export function useModels(service: Service) {
  const { data, error, mutate } = useSWR<{ models: Model[] }, Refused>('/api/ai/models');
  return {
    models: data?.models.filter((model) => model.services.includes(service)),
    failure: data ? undefined : error,
    again: () => void mutate(),
  };
}
