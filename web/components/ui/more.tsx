import { ChevronRight } from 'lucide-react';
import type { ReactNode } from 'react';

/** What few need, behind a line that opens. open: something in it is to be seen. */
export function More({ label, open, children }: { label: string; open?: boolean; children: ReactNode }) {
  return (
    <details className="group border-t pt-3" open={open}>
      <summary className="flex min-h-9 list-none items-center gap-2 text-[0.9375rem] text-soft hover:text-ink">
        <ChevronRight aria-hidden className="size-4 transition-transform group-open:rotate-90" />
        {label}
      </summary>
      <div className="grid gap-4 pt-3 pb-1">{children}</div>
    </details>
  );
}
