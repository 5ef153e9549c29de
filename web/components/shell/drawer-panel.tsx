'use client';

import { X } from 'lucide-react';
import { Dialog } from 'radix-ui';
import { Account } from '@/components/shell/account';
import { Navigation } from '@/components/shell/navigation';
import { buttonClass } from '@/components/ui/button';

interface DrawerPanelProps {
  tenant: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** Takes the focus back. */
  onClosed: () => void;
}

/** The pages and the account, over the page. */
export default function DrawerPanel({ tenant, open, onOpenChange, onClosed }: DrawerPanelProps) {
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-20 bg-black/40 motion-safe:animate-[rise_150ms_ease-out]" />
        <Dialog.Content
          aria-describedby={undefined}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            onClosed();
          }}
          className="fixed inset-y-0 right-0 z-30 grid w-[min(20rem,88vw)] grid-rows-[auto_1fr_auto] gap-4 overflow-y-auto border-l bg-paper p-4 motion-safe:animate-[rise_150ms_ease-out]"
        >
          <div className="flex items-center justify-between">
            <Dialog.Title className="px-3 text-base font-semibold">Pages</Dialog.Title>
            <Dialog.Close aria-label="Close" className={buttonClass({ look: 'quiet', size: 'icon' })}>
              <X aria-hidden className="size-5" />
            </Dialog.Close>
          </div>
          <Navigation onGo={() => onOpenChange(false)} />
          <Account tenant={tenant} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
