import { Dices } from 'lucide-react';
import { Button } from '@/components/ui/button';
import { Field } from '@/components/ui/field';
import { More } from '@/components/ui/more';
import { errorAt, type Refused } from '@/lib/client/ask';
import type { Tuning } from './tuning';

interface AdvancedProps {
  value: Tuning;
  change: (part: Partial<Tuning>) => void;
  failure: Refused | null;
}

const FIELDS = ['negative_prompt', 'seed', 'num_inference_steps', 'guidance_scale'];

/** What is rarely changed: what to leave out, the seed, and how the model works. */
export function Advanced({ value, change, failure }: AdvancedProps) {
  return (
    <More label="Advanced settings" open={FIELDS.includes(failure?.field ?? '') || undefined}>
      <Field label="Leave out" optional error={errorAt(failure, 'negative_prompt')}>
        {(control) => (
          <input
            {...control}
            className="entry"
            placeholder="blur, text, frames"
            value={value.negative}
            onChange={(event) => change({ negative: event.target.value })}
          />
        )}
      </Field>
      <Field
        label="Seed"
        optional
        hint="The same seed and settings make the same picture."
        error={errorAt(failure, 'seed')}
      >
        {(control) => (
          <div className="flex gap-2">
            <input
              {...control}
              className="entry"
              inputMode="numeric"
              pattern="[0-9]*"
              placeholder="By chance"
              value={value.seed}
              onChange={(event) => change({ seed: event.target.value.replace(/\D/g, '') })}
            />
            <Button
              size="icon"
              aria-label="Draw a seed"
              onClick={() => change({ seed: String(Math.floor(Math.random() * 2 ** 32)) })}
            >
              <Dices aria-hidden className="size-5" />
            </Button>
          </div>
        )}
      </Field>
      <div className="grid grid-cols-2 gap-4">
        <Field label="Steps" optional error={errorAt(failure, 'num_inference_steps')}>
          {(control) => (
            <input
              {...control}
              className="entry"
              type="number"
              min={1}
              max={150}
              placeholder="Model’s own"
              value={value.steps}
              onChange={(event) => change({ steps: event.target.value })}
            />
          )}
        </Field>
        <Field label="Guidance" optional error={errorAt(failure, 'guidance_scale')}>
          {(control) => (
            <input
              {...control}
              className="entry"
              type="number"
              min={0}
              max={30}
              step={0.5}
              placeholder="Model’s own"
              value={value.guidance}
              onChange={(event) => change({ guidance: event.target.value })}
            />
          )}
        </Field>
      </div>
    </More>
  );
}
