import { type ReactNode, useId } from 'react';

interface FieldProps {
  label: string;
  /** The control's id, where something else must find it. */
  id?: string;
  optional?: boolean;
  hint?: ReactNode;
  /** What is wrong with this field, in words. */
  error?: string;
  /** Draws the control; spread what it is given onto it. */
  children: (control: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: true }) => ReactNode;
}

/** A label, a control, and what is to be said about it. */
export function Field({ label, id: given, optional, hint, error, children }: FieldProps) {
  const own = useId();
  const id = given ?? own;
  const about = `${id}-about`;
  return (
    <div className="grid min-w-0 gap-1.5">
      <label htmlFor={id} className="text-[0.9375rem] font-medium">
        {label}
        {optional && <span className="ml-1.5 text-sm font-normal text-soft">optional</span>}
      </label>
      {children({
        id,
        'aria-describedby': error || hint ? about : undefined,
        'aria-invalid': error ? true : undefined,
      })}
      {error ? (
        <p id={about} className="text-sm text-bad">
          {error}
        </p>
      ) : (
        hint && (
          <div id={about} className="text-sm text-soft">
            {hint}
          </div>
        )
      )}
    </div>
  );
}
