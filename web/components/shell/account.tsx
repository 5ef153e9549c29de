'use client';

import { LogOut, Moon, Sun } from 'lucide-react';
import { useTheme } from 'next-themes';
import { useEffect, useState } from 'react';
import useSWR from 'swr';
import { Button } from '@/components/ui/button';
import { ask } from '@/lib/client/ask';
import { forgetPrompts } from '@/lib/client/prompts';

/** Who is signed in, the theme, and the way out. */
export function Account({ tenant }: { tenant: string }) {
  const [failed, setFailed] = useState(false);
  useSameTenant(tenant);
  return (
    <div className="flex flex-wrap items-center gap-1 border-t pt-3">
      <p className="min-w-0 flex-1 px-3">
        <span className="block text-xs text-soft">Signed in as</span>
        <span className="block truncate text-[0.9375rem] font-medium" title={tenant}>
          {tenant}
        </span>
      </p>
      <ThemeButton />
      <Button
        look="quiet"
        size="icon"
        aria-label="Sign out"
        onClick={() => void signOut().catch(() => setFailed(true))}
      >
        <LogOut aria-hidden className="size-[1.15rem]" strokeWidth={1.75} />
      </Button>
      {failed && (
        <p role="alert" className="basis-full px-3 text-sm text-bad">
          You are still signed in: the app did not answer. Try again.
        </p>
      )}
    </div>
  );
}

/** Both icons are drawn, and the theme shows one: what the server sends fits either. */
export function ThemeButton() {
  const { resolvedTheme, setTheme } = useTheme();
  return (
    <Button
      look="quiet"
      size="icon"
      aria-label="Switch between light and dark"
      onClick={() => setTheme(resolvedTheme === 'dark' ? 'light' : 'dark')}
    >
      <Moon aria-hidden className="size-[1.15rem] dark:hidden" strokeWidth={1.75} />
      <Sun aria-hidden className="hidden size-[1.15rem] dark:block" strokeWidth={1.75} />
    </Button>
  );
}

async function signOut(): Promise<void> {
  await ask('/api/session', { method: 'DELETE' });
  forgetPrompts();
  window.location.assign('/sign-in'); // a whole new page: nothing of this tenant stays in memory
}

/** Whoever has signed in as another tenant elsewhere in this browser gets that tenant's page here too, not a mixture. */
function useSameTenant(tenant: string): void {
  const { data } = useSWR<{ tenant: string }>('/api/session');
  const other = data !== undefined && data.tenant !== tenant;
  useEffect(() => {
    if (other) window.location.reload();
  }, [other]);
}
