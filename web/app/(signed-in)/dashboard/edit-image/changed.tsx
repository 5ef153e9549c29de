'use client';

import { Download, Redo2, Undo2 } from 'lucide-react';
import { BeforeAfter } from '@/components/pictures/before-after';
import { Button, buttonClass } from '@/components/ui/button';
import { CopyButton } from '@/components/ui/copy-button';
import { Mat } from '@/components/ui/mat';
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
  const kept = picture.id !== '';
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
          {kept && (
            <Button size="small" onClick={() => onGoOn(picture.id)}>
              <Redo2 aria-hidden className="size-4" /> Go on from this one
            </Button>
          )}
          <Button size="small" onClick={onAgain}>
            <Undo2 aria-hidden className="size-4" /> Back to the first
          </Button>
          <a
            href={kept ? `${picture.url}?download=picture` : picture.url}
            download={kept ? true : 'picture.png'}
            className={buttonClass({ size: 'small' })}
          >
            <Download aria-hidden className="size-4" /> Download
          </a>
          {kept && (
            <CopyButton label="Copy link" text={() => new URL(picture.url, window.location.href).href} />
          )}
        </div>
        <Warnings warnings={pictures.warnings} />
      </figcaption>
    </figure>
  );
}
