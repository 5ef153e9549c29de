'use client';

import { Redo2, Undo2 } from 'lucide-react';
import { BeforeAfter } from '@/components/pictures/before-after';
import { Button } from '@/components/ui/button';
import { Mat } from '@/components/ui/mat';
import { PassOn } from '@/components/ui/pass-on';
import { Spoken, Warnings } from '@/components/ui/states';
import type { Pictures } from '@/lib/shapes';

interface ChangedProps {
  /** The address of the picture as it was. */
  before: string;
  pictures: Pictures;
  /** Takes the new picture as the one to change. */
  onGoOn: (id: string) => void;
  /** Back to the picture as it was. */
  onAgain: () => void;
}

export function Changed({ before, pictures, onGoOn, onAgain }: ChangedProps) {
  const [picture] = pictures.images;
  if (!picture) return null;
  return (
    <figure className="grid gap-4">
      <Spoken>The picture is changed.</Spoken>
      <Mat>
        <BeforeAfter before={before} after={picture.url} proportions={[picture.width, picture.height]} />
      </Mat>
      <figcaption className="grid gap-3">
        <p className="text-sm text-soft">
          {[`Seed ${picture.seed ?? '–'}`, `${picture.width} × ${picture.height}`, pictures.model].join(
            ' · ',
          )}
        </p>
        <div className="flex flex-wrap gap-2">
          {picture.id !== '' && (
            <Button size="small" onClick={() => onGoOn(picture.id)}>
              <Redo2 aria-hidden className="size-4" /> Go on from this one
            </Button>
          )}
          <Button size="small" onClick={onAgain}>
            <Undo2 aria-hidden className="size-4" /> Back to the first
          </Button>
          <PassOn id={picture.id} url={picture.url} name="picture.png" />
        </div>
        <Warnings warnings={pictures.warnings} />
      </figcaption>
    </figure>
  );
}
