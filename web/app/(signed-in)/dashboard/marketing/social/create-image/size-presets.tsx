import { clsx } from 'clsx';
import { PRESETS, proportions } from './draft';

/** The usual formats of social networks, each with a drawing of its shape. */
export function SizePresets({ value, onChange }: { value: string; onChange: (size: string) => void }) {
  return (
    <fieldset className="grid min-w-0">
      <legend className="mb-1.5 text-[0.9375rem] font-medium">Size</legend>
      <div className="grid auto-rows-fr grid-cols-4 gap-2">
        {PRESETS.map((preset) => (
          <label
            key={preset.size}
            className={clsx(
              'grid content-start justify-items-center gap-1 rounded-lg border px-1 pt-2.5 pb-2 text-center transition-colors has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent',
              value === preset.size
                ? 'border-accent bg-accent-wash text-accent-deep'
                : 'bg-surface text-soft hover:border-edge hover:text-ink',
            )}
          >
            <input
              type="radio"
              name="size"
              className="sr-only"
              checked={value === preset.size}
              onChange={() => onChange(preset.size)}
            />
            <Shape size={preset.size} />
            <span className="text-sm font-medium">{preset.name}</span>
            <span className="text-xs leading-tight">{preset.about}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Shape({ size }: { size: string }) {
  const [width, height] = proportions(size);
  const scale = 22 / Math.max(width, height);
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" className="size-6">
      <rect
        x={12 - (width * scale) / 2}
        y={12 - (height * scale) / 2}
        width={width * scale}
        height={height * scale}
        rx="2"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
        strokeDasharray={size === 'auto' ? '3 2.5' : undefined}
      />
    </svg>
  );
}
