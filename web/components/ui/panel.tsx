import { clsx } from 'clsx';
import type { ReactNode } from 'react';

/** A raised sheet. */
export function Panel({ className, children }: { className?: string; children: ReactNode }) {
  return (
    <section className={clsx('rounded-xl border bg-surface p-4 shadow-card sm:p-5', className)}>
      {children}
    </section>
  );
}

/** The top of a page: what it is for, in a line. */
export function PageHead({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <header className="mb-6 grid gap-2">
      <h1>{title}</h1>
      {children && <p className="max-w-[60ch] text-pretty text-soft">{children}</p>}
    </header>
  );
}
