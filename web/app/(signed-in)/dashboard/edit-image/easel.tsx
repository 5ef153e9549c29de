'use client';

import { ImageIcon } from 'lucide-react';
import type { RefObject } from 'react';
import { Progress } from '@/components/pictures/progress';
import { Mat } from '@/components/ui/mat';
import { Empty } from '@/components/ui/states';
import type { Preview } from '@/lib/client/pictures';
import type { Source } from '@/lib/client/source';
import { Mask, type MaskHandle } from './mask';

interface EaselProps {
  source: Source | null;
  painting: boolean;
  working: boolean;
  preview: Preview | null;
  mask: RefObject<MaskHandle | null>;
  onPaint: (painted: boolean) => void;
}

/** The picture before it is changed, to be painted over; while it changes, what has become of it. */
export function Easel({ source, painting, working, preview, mask, onPaint }: EaselProps) {
  if (!source) {
    return (
      <Mat>
        <Empty icon={ImageIcon} title="Nothing on the easel yet">
          Choose a picture to begin with, or take one from your artifacts.
        </Empty>
      </Mat>
    );
  }
  return (
    <figure className="grid gap-3">
      {/* The mask stays where it is while the picture is made: a cancelled or failed try can be repeated. */}
      <div className={working ? 'hidden' : 'contents'}>
        {painting ? (
          <Mask key={source.url} url={source.url} handle={mask} onPaint={onPaint} />
        ) : (
          <Plain url={source.url} />
        )}
      </div>
      {working && (
        <>
          <Mat>
            <img
              src={preview?.image ?? source.url}
              alt={preview ? 'Not finished yet' : 'The picture that is being changed'}
              className={`max-h-[60vh] min-w-48 max-w-full shadow-card ${preview ? '' : 'motion-safe:animate-[breathe_1.6s_ease-in-out_infinite]'}`}
            />
          </Mat>
          <Progress preview={preview}>The picture is being changed.</Progress>
        </>
      )}
    </figure>
  );
}

function Plain({ url }: { url: string }) {
  return (
    <Mat>
      <img src={url} alt="What is to be changed" className="max-h-[60vh] min-w-48 max-w-full shadow-card" />
    </Mat>
  );
}
