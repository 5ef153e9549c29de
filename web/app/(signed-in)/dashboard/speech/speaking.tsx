import { Mat } from '@/components/ui/mat';
import { Spoken } from '@/components/ui/states';

const HEIGHTS = [14, 26, 40, 30, 52, 36, 60, 44, 56, 32, 46, 24, 36, 18, 28];

/** While the recording is made. */
export function Speaking() {
  return (
    <Mat>
      <div className="grid justify-items-center gap-5 py-6">
        <svg aria-hidden="true" viewBox="0 0 150 64" className="h-16 w-40 text-accent">
          {HEIGHTS.map((height, index) => (
            <rect
              key={index}
              x={index * 10 + 3}
              y={32 - height / 2}
              width={4}
              height={height}
              rx={2}
              fill="currentColor"
              className="motion-safe:animate-[breathe_1.4s_ease-in-out_infinite]"
              style={{ animationDelay: `${index * 90}ms` }}
            />
          ))}
        </svg>
        <p className="text-[0.9375rem] text-soft">Speaking your text …</p>
        <Spoken>The text is being spoken.</Spoken>
      </div>
    </Mat>
  );
}
