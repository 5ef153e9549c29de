'use client';

import { ThemeProvider } from 'next-themes';
import { type ReactNode, useEffect } from 'react';
import { SWRConfig } from 'swr';
import { ask } from '@/lib/client/ask';

declare global {
  /** Where dialogs look for the nonce of the style element that holds the page still behind them. */
  var __webpack_nonce__: string | undefined;
}

/**
 * The theme, and how data is read. `nonce` lets the theme's own script, and the styles of dialogs, in under the
 * content-security policy.
 */
export function Providers({ nonce, children }: { nonce?: string; children: ReactNode }) {
  useEffect(() => {
    globalThis.__webpack_nonce__ = nonce;
  }, [nonce]);
  return (
    <ThemeProvider attribute="data-theme" defaultTheme="system" disableTransitionOnChange nonce={nonce}>
      <SWRConfig value={{ fetcher: ask, shouldRetryOnError: false, keepPreviousData: true }}>
        {children}
      </SWRConfig>
    </ThemeProvider>
  );
}
