import { Field } from '@/components/ui/field';
import { title } from '@/lib/client/words';
import { STYLES } from './tuning';

interface StyleSelectProps {
  value: string;
  error?: string;
  onChange: (style: string) => void;
}

export function StyleSelect({ value, error, onChange }: StyleSelectProps) {
  return (
    <Field label="Style" error={error}>
      {(control) => (
        <select
          {...control}
          className="entry"
          value={value}
          onChange={(event) => onChange(event.target.value)}
        >
          <option value="">As the prompt says</option>
          {STYLES.map((style) => (
            <option key={style} value={style}>
              {title(style)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
