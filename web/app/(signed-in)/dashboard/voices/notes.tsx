import { Info } from 'lucide-react';
import type { Model } from '@/lib/shapes';

/** That no model here can speak with what is added, and why. */
export function Unspoken({ models }: { models: Model[] }) {
  const names = new Intl.ListFormat('en').format(models.map(({ id }) => id));
  return (
    <div className="mb-6 flex gap-3 rounded-lg border border-warn/40 bg-warn-wash p-4">
      <Info aria-hidden className="mt-0.5 size-5 shrink-0 text-warn" />
      <div className="grid min-w-0 gap-1">
        <p className="font-semibold text-warn">No model here can speak with them</p>
        <p className="max-w-[80ch] text-[0.9375rem] text-pretty">
          What speaks here is {names}, whose voices are fixed. A voice that you add is kept, and can be used
          as soon as your operator serves a model that learns voices, such as XTTS-v2 or Chatterbox.
        </p>
      </div>
    </div>
  );
}

/** In the form's place, where there may be no further voice. */
export function NoMore({ most }: { most: number }) {
  return (
    <p className="rounded-lg bg-mat p-5 text-[0.9375rem] text-pretty text-soft">
      {most === 0
        ? 'Voices of your own are not to be had here; ask your operator.'
        : `There are ${most} voices, as many as may be kept. Delete one to add another.`}
    </p>
  );
}
