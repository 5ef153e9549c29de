import { ImagePlus } from 'lucide-react';
import { Progress } from '@/components/pictures/progress';
import { Mat } from '@/components/ui/mat';
import { Empty } from '@/components/ui/states';
import type { Preview } from '@/lib/client/pictures';
import { proportions } from './draft';

interface StageProps {
  size: string;
  working: boolean;
  preview: Preview | null;
}

/** Where the picture will be: empty, waiting, or half made. */
export function Stage({ size, working, preview }: StageProps) {
  const [width, height] = proportions(size);
  return (
    <figure className="grid gap-3">
      <Mat>
        {working ? (
          <div
            className="grid max-h-[60vh] w-full max-w-[32rem] place-items-center overflow-hidden bg-surface shadow-card"
            style={{
              aspectRatio: `${width} / ${height}`,
              maxWidth: `min(32rem, calc(60vh * ${width / height}))`,
            }}
          >
            {preview ? (
              <img src={preview.image} alt="Not finished yet" className="size-full object-cover" />
            ) : (
              <p className="text-[0.9375rem] text-soft motion-safe:animate-[breathe_1.6s_ease-in-out_infinite]">
                Waiting for its turn …
              </p>
            )}
          </div>
        ) : (
          <Empty icon={ImagePlus} title="Your picture will hang here">
            Write what it should show, choose a size, and press Create.
          </Empty>
        )}
      </Mat>
      {working && <Progress preview={preview}>The picture is being made.</Progress>}
    </figure>
  );
}
