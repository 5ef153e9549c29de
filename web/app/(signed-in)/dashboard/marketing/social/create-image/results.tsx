'use client';

import { clsx } from 'clsx';
import { ImageUp, Shapes } from 'lucide-react';
import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { Mat } from '@/components/ui/mat';
import { PassOn } from '@/components/ui/pass-on';
import { Spoken, Warnings } from '@/components/ui/states';
import { promptOf } from '@/lib/client/prompts';
import { plural } from '@/lib/client/words';
import type { Picture, Pictures } from '@/lib/shapes';

interface ResultsProps {
  pictures: Pictures;
  prompt: string;
  onVary: (picture: Picture) => void;
  onStart: (picture: Picture) => void;
}

/** The finished pictures: one large, the others to choose from, and what can be done next. */
export function Results({ pictures, prompt, onVary, onStart }: ResultsProps) {
  const [chosen, setChosen] = useState(0);
  const picture = pictures.images[chosen] ?? pictures.images[0];
  if (!picture) return null;
  return (
    <figure className="grid gap-4">
      <Spoken>{plural(pictures.images.length, 'picture')} finished.</Spoken>
      <Mat>
        <img
          src={picture.url}
          alt={promptOf(picture.id) ?? (prompt || 'The picture that was made')}
          width={picture.width || undefined}
          height={picture.height || undefined}
          className="h-auto max-h-[60vh] w-auto max-w-full shadow-card motion-safe:animate-[rise_300ms_ease-out]"
        />
      </Mat>
      {pictures.images.length > 1 && <Others images={pictures.images} chosen={chosen} onChoose={setChosen} />}
      <figcaption className="grid gap-3">
        <p className="text-sm text-soft">{facts(picture, pictures.model)}</p>
        <Actions picture={picture} onVary={onVary} onStart={onStart} />
        <Warnings warnings={pictures.warnings} />
      </figcaption>
    </figure>
  );
}

function facts(picture: Picture, model: string): string {
  const seed = picture.seed === null ? '' : `Seed ${picture.seed}`;
  const size = picture.width ? `${picture.width} × ${picture.height}` : '';
  return [seed, size, model].filter(Boolean).join(' · ');
}

function Others({
  images,
  chosen,
  onChoose,
}: {
  images: Picture[];
  chosen: number;
  onChoose: (index: number) => void;
}) {
  return (
    <ul className="flex flex-wrap gap-2" aria-label="The pictures">
      {images.map((image, index) => (
        <li key={index}>
          <button
            type="button"
            aria-label={`Picture ${index + 1}`}
            aria-pressed={index === chosen}
            onClick={() => onChoose(index)}
            className={clsx(
              'size-16 overflow-hidden rounded-md border-2 bg-mat',
              index === chosen ? 'border-accent' : 'border-transparent',
            )}
          >
            <img src={image.url} alt="" className="size-full object-cover" />
          </button>
        </li>
      ))}
    </ul>
  );
}

function Actions({
  picture,
  onVary,
  onStart,
}: { picture: Picture } & Pick<ResultsProps, 'onVary' | 'onStart'>) {
  return (
    <div className="flex flex-wrap gap-2">
      {picture.id !== '' && (
        <>
          <Button size="small" onClick={() => onVary(picture)}>
            <Shapes aria-hidden className="size-4" /> Variations
          </Button>
          <Button size="small" onClick={() => onStart(picture)}>
            <ImageUp aria-hidden className="size-4" /> Use as the start of a new one
          </Button>
        </>
      )}
      <PassOn id={picture.id} url={picture.url} name="picture.png" />
    </div>
  );
}
