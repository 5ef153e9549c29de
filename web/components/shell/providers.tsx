'use client';

import { ThemeProvider } from 'next-themes';
import type { ReactNode } from 'react';
import { SWRConfig } from 'swr';
import { ask } from '@/lib/client/ask';

/** The theme, and how data is read. `nonce` lets the theme's own script run under the content-security policy. */
export function Providers({ nonce, children }: { nonce?: string; children: ReactNode }) {
  return (
    <ThemeProvider attribute="data-theme" defaultTheme="system" disableTransitionOnChange nonce={nonce}>
      <SWRConfig value={{ fetcher: ask, shouldRetryOnError: false, keepPreviousData: true }}>
        {children}
      </SWRConfig>
    </ThemeProvider>
  );
}
