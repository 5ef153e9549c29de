'use client';

import { Menu, X } from 'lucide-react';
import Link from 'next/link';
import { Dialog } from 'radix-ui';
import { useState } from 'react';
import { Account } from '@/components/shell/account';
import { Mark } from '@/components/shell/mark';
import { Navigation } from '@/components/shell/navigation';
import { buttonClass } from '@/components/ui/button';

/** The head of a narrow screen, and the pages behind its button. */
export function Drawer({ tenant }: { tenant: string }) {
  const [open, setOpen] = useState(false);
  return (
    <header className="sticky top-0 z-10 flex items-center gap-2 border-b bg-paper px-4 py-2 lg:hidden">
      <Link href="/" className="flex min-h-11 flex-1 items-center gap-2.5 font-semibold tracking-tight">
        <Mark /> Atelier
      </Link>
      <Dialog.Root open={open} onOpenChange={setOpen}>
        <Dialog.Trigger aria-label="Menu" className={buttonClass({ look: 'quiet', size: 'icon' })}>
          <Menu aria-hidden className="size-5" />
        </Dialog.Trigger>
        <Dialog.Portal>
          <Dialog.Overlay className="fixed inset-0 z-20 bg-black/40 motion-safe:animate-[rise_150ms_ease-out]" />
          <Dialog.Content
            aria-describedby={undefined}
            className="fixed inset-y-0 right-0 z-30 grid w-[min(20rem,88vw)] grid-rows-[auto_1fr_auto] gap-4 overflow-y-auto border-l bg-paper p-4 motion-safe:animate-[rise_150ms_ease-out]"
          >
            <div className="flex items-center justify-between">
              <Dialog.Title className="px-3 text-base font-semibold">Pages</Dialog.Title>
              <Dialog.Close aria-label="Close" className={buttonClass({ look: 'quiet', size: 'icon' })}>
                <X aria-hidden className="size-5" />
              </Dialog.Close>
            </div>
            <Navigation onGo={() => setOpen(false)} />
            <Account tenant={tenant} />
          </Dialog.Content>
        </Dialog.Portal>
      </Dialog.Root>
    </header>
  );
}
