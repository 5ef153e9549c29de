import { clsx } from 'clsx';
import { FileText, ImageIcon } from 'lucide-react';
import { useState } from 'react';
import { Mat } from '@/components/ui/mat';
import { Empty, Spoken } from '@/components/ui/states';
import type { Source } from '@/lib/client/source';
import type { OcrLine } from '@/lib/shapes';

interface SheetProps {
  source: Source | null;
  working: boolean;
  lines: OcrLine[] | null;
  chosen: number | null;
  onChoose: (line: number | null) => void;
}

/** The picture, with a frame around every line of text that was found. */
export function Sheet({ source, working, lines, chosen, onChoose }: SheetProps) {
  const [pixels, setPixels] = useState<[number, number] | null>(null);
  if (!source) {
    return (
      <Mat>
        <Empty icon={ImageIcon} title="Nothing to read yet">
          Choose a picture: a photo, a scan, a sign, a receipt.
        </Empty>
      </Mat>
    );
  }
  if (source.file.type === 'application/pdf') {
    return (
      <Mat>
        <Empty icon={FileText} title={source.file.name}>
          {working ? 'Being read, page by page …' : 'A PDF is read page by page.'}
        </Empty>
      </Mat>
    );
  }
  return (
    <Mat>
      <div className={clsx('relative', working && 'motion-safe:animate-[breathe_1.6s_ease-in-out_infinite]')}>
        <img
          src={source.url}
          alt="What is to be read"
          className="block max-h-[62vh] min-w-48 max-w-full shadow-card"
          onLoad={({ currentTarget: image }) => setPixels([image.naturalWidth, image.naturalHeight])}
        />
        {pixels && lines && lines.length > 0 && (
          <Boxes pixels={pixels} lines={lines} chosen={chosen} onChoose={onChoose} />
        )}
      </div>
      {working && <Spoken>The picture is being read.</Spoken>}
    </Mat>
  );
}

/** For the mouse; the list beside it has the same lines for the keyboard and screen readers. */
function Boxes({
  pixels: [width, height],
  lines,
  chosen,
  onChoose,
}: { pixels: [number, number]; lines: OcrLine[] } & Pick<SheetProps, 'chosen' | 'onChoose'>) {
  return (
    <svg viewBox={`0 0 ${width} ${height}`} aria-hidden="true" className="absolute inset-0 size-full">
      {lines.map((line, index) => (
        <polygon
          key={index}
          points={line.box.map((corner) => corner.join(',')).join(' ')}
          vectorEffect="non-scaling-stroke"
          strokeWidth={index === chosen ? 2.5 : 1.5}
          className={clsx(
            'stroke-[#4c5fd5] transition-colors',
            index === chosen ? 'fill-[#4c5fd5]/30' : 'fill-[#4c5fd5]/5',
          )}
          onPointerEnter={() => onChoose(index)}
          onPointerLeave={() => onChoose(null)}
        />
      ))}
    </svg>
  );
}
