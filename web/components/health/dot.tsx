const COLOURS: Record<string, string> = {
  healthy: 'bg-good',
  starting: 'bg-warn',
  degraded: 'bg-warn',
};

/** A coloured dot; the words beside it say the same. */
export function Dot({ status }: { status: string }) {
  return <span aria-hidden className={`size-2.5 shrink-0 rounded-full ${COLOURS[status] ?? 'bg-bad'}`} />;
}
