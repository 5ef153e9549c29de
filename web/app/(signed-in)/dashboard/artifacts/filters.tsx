import { Choice } from '@/components/ui/choice';

export type Filter = 'all' | 'text-to-image' | 'image-to-image' | 'text-to-speech';

const FILTERS: { value: Filter; label: string }[] = [
  { value: 'all', label: 'All' },
  { value: 'text-to-image', label: 'Created' },
  { value: 'image-to-image', label: 'Edited' },
  { value: 'text-to-speech', label: 'Speech' },
];

export function Filters({ value, onChange }: { value: Filter; onChange: (filter: Filter) => void }) {
  return <Choice legend="Show" quiet value={value} options={FILTERS} onChange={onChange} />;
}

/** Where a page of artifacts is asked for; `after` is the last answer's `next`. */
export function addressOf(filter: Filter, after: string | null): string {
  const query = new URLSearchParams({ limit: '30' });
  if (filter !== 'all') query.set('service', filter);
  if (after) query.set('after', after);
  return `/api/ai/artifacts?${query}`;
}
