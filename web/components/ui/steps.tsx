/** How far it is: one mark a step, as the engine takes them. steps 0: not known yet. */
export function Steps({ step, steps }: { step: number; steps: number }) {
  const marks = Math.min(steps || 30, 60);
  const taken = steps ? Math.round((step / steps) * marks) : 0;
  return (
    <div
      role="progressbar"
      aria-label="Progress"
      aria-valuemin={0}
      aria-valuemax={steps || undefined}
      aria-valuenow={steps ? step : undefined}
      className="flex gap-0.5"
    >
      {Array.from({ length: marks }, (_, index) => (
        <span
          key={index}
          className={`h-1.5 flex-1 rounded-full transition-colors ${index < taken ? 'bg-accent' : 'bg-line'}`}
        />
      ))}
    </div>
  );
}
