import type { ReactNode } from 'react';

/** What a picture hangs on: a quiet ground with the marks of a passe-partout at its corners. */
export function Mat({ children }: { children: ReactNode }) {
  return (
    <div className="relative grid min-h-64 place-items-center rounded-lg bg-mat p-5 sm:min-h-96 sm:p-10">
      {CORNERS.map((corner) => (
        <span key={corner} aria-hidden className={`absolute size-3.5 border-edge/60 ${corner}`} />
      ))}
      {children}
    </div>
  );
}

const CORNERS = [
  'top-2.5 left-2.5 border-t border-l',
  'top-2.5 right-2.5 border-t border-r',
  'bottom-2.5 left-2.5 border-b border-l',
  'right-2.5 bottom-2.5 border-r border-b',
];
