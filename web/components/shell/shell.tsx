import Link from 'next/link';
import type { ReactNode } from 'react';
import { Account } from '@/components/shell/account';
import { Drawer } from '@/components/shell/drawer';
import { Mark } from '@/components/shell/mark';
import { Navigation } from '@/components/shell/navigation';
import { Offline } from '@/components/shell/offline';

/** The frame of every page: the pages at the side of a wide screen, behind a button on a narrow one. */
export function Shell({ tenant, children }: { tenant: string; children: ReactNode }) {
  return (
    <div className="lg:grid lg:grid-cols-[15rem_minmax(0,1fr)]">
      <a
        href="#main"
        className="sr-only rounded-md bg-surface px-4 py-2 focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-40"
      >
        Skip to the page
      </a>
      <Drawer tenant={tenant} />
      <aside className="sticky top-0 hidden h-dvh grid-rows-[auto_1fr_auto] gap-6 overflow-y-auto border-r bg-paper p-3 pt-5 lg:grid">
        <Link href="/" className="flex items-center gap-2.5 px-3 text-lg font-semibold tracking-tight">
          <Mark /> Atelier
        </Link>
        <Navigation />
        <Account tenant={tenant} />
      </aside>
      <div className="min-w-0">
        <Offline />
        <main id="main" className="mx-auto w-full max-w-6xl px-4 py-6 sm:px-8 lg:py-10">
          {children}
        </main>
      </div>
    </div>
  );
}
