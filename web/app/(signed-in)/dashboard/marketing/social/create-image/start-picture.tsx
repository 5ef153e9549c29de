import { X } from 'lucide-react';
import { Button } from '@/components/ui/button';
import { Slider } from '@/components/ui/slider';

interface StartPictureProps {
  id: string;
  strength: number;
  onStrength: (strength: number) => void;
  onRemove: () => void;
}

/** The picture that the new one begins with. */
export function StartPicture({ id, strength, onStrength, onRemove }: StartPictureProps) {
  return (
    <div className="flex items-center gap-4 rounded-lg border bg-surface p-3">
      <img
        src={`/api/ai/artifacts/${id}`}
        alt="Where the new one begins"
        className="size-20 rounded-md bg-mat object-cover"
      />
      <div className="min-w-0 flex-1">
        <Slider
          label="May change"
          value={strength}
          min={0.1}
          max={1}
          step={0.05}
          words={(value) => `${Math.round(value * 100)} %`}
          onChange={onStrength}
        />
      </div>
      <Button look="quiet" size="icon" aria-label="Begin without a picture" onClick={onRemove}>
        <X aria-hidden className="size-5" />
      </Button>
    </div>
  );
}
