'use client';

import { Menu } from 'lucide-react';
import Link from 'next/link';
import { lazy, Suspense, useRef, useState } from 'react';
import { Mark } from '@/components/shell/mark';
import { buttonClass } from '@/components/ui/button';

/** Loaded when it is first opened: no page has to wait for it. */
const DrawerPanel = lazy(() => import('./drawer-panel'));

/** The head of a narrow screen, and the pages behind its button. */
export function Drawer({ tenant }: { tenant: string }) {
  const [open, setOpen] = useState(false);
  const [wanted, setWanted] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  return (
    <header className="sticky top-0 z-10 flex items-center gap-2 border-b bg-paper px-4 py-2 lg:hidden">
      <Link href="/" className="flex min-h-11 flex-1 items-center gap-2.5 font-semibold tracking-tight">
        <Mark /> Atelier
      </Link>
      <button
        ref={button}
        type="button"
        aria-label="Menu"
        aria-haspopup="dialog"
        aria-expanded={open}
        className={buttonClass({ look: 'quiet', size: 'icon' })}
        onClick={() => {
          setWanted(true);
          setOpen(true);
        }}
      >
        <Menu aria-hidden className="size-5" />
      </button>
      <Suspense>
        {wanted && (
          <DrawerPanel
            tenant={tenant}
            open={open}
            onOpenChange={setOpen}
            onClosed={() => button.current?.focus()}
          />
        )}
      </Suspense>
    </header>
  );
}
