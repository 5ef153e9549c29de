'use client';

import { CloudOff } from 'lucide-react';
import { useSyncExternalStore } from 'react';

function listen(changed: () => void): () => void {
  window.addEventListener('online', changed);
  window.addEventListener('offline', changed);
  return () => {
    window.removeEventListener('online', changed);
    window.removeEventListener('offline', changed);
  };
}

/** Says so while the browser has no network. */
export function Offline() {
  const online = useSyncExternalStore(
    listen,
    () => navigator.onLine,
    () => true,
  );
  return (
    <div role="status">
      {!online && (
        <p className="flex items-center justify-center gap-2 border-b bg-warn-wash px-4 py-2 text-sm text-warn">
          <CloudOff aria-hidden className="size-4" /> You are offline. What is on this page stays; new work
          must wait.
        </p>
      )}
    </div>
  );
}
