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

/** The two columns of a tool: what one asks for, and what comes of it. */
export function Workbench({ controls, stage }: { controls: ReactNode; stage: ReactNode }) {
  return (
    <div className="grid items-start gap-8 lg:grid-cols-[minmax(20rem,26rem)_minmax(0,1fr)] lg:gap-12">
      <div className="grid min-w-0 gap-5">{controls}</div>
      <div className="grid min-w-0 gap-6 lg:sticky lg:top-8">{stage}</div>
    </div>
  );
}
