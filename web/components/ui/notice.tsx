'use client';

import { CircleAlert, CloudOff, Hourglass, KeyRound, type LucideIcon, ServerOff } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button } from '@/components/ui/button';
import type { Refused } from '@/lib/client/ask';
import { span } from '@/lib/client/words';

interface Kind {
  title: string;
  icon: LucideIcon;
  tone: string;
}

const KINDS: Record<string, Kind> = {
  offline: { title: 'You are offline', icon: CloudOff, tone: 'border-warn/40 bg-warn-wash text-warn' },
  rate_limited: {
    title: 'The limit is reached',
    icon: Hourglass,
    tone: 'border-warn/40 bg-warn-wash text-warn',
  },
  away: {
    title: 'This service is not available',
    icon: ServerOff,
    tone: 'border-warn/40 bg-warn-wash text-warn',
  },
  signed_out: {
    title: 'Your sign-in has ended',
    icon: KeyRound,
    tone: 'border-warn/40 bg-warn-wash text-warn',
  },
  other: { title: 'That did not work', icon: CircleAlert, tone: 'border-bad/40 bg-bad-wash text-bad' },
};

function kindOf(failure: Refused): Kind {
  return KINDS[nameOf(failure)] ?? (KINDS.other as Kind);
}

function nameOf({ status, code }: Refused): string {
  if (status === 401) return 'signed_out';
  if (status === 429) return 'rate_limited';
  return status >= 502 ? 'away' : code;
}

/** Why something did not work, and what can be done. `onRetry` is offered once waiting is over. */
export function Notice({ failure, onRetry }: { failure: Refused; onRetry?: () => void }) {
  const { title, icon: Icon, tone } = kindOf(failure);
  const left = useCountdown(failure);
  return (
    <div
      role="alert"
      className={`flex gap-3 rounded-lg border p-4 motion-safe:animate-[rise_200ms_ease-out] ${tone}`}
    >
      <Icon aria-hidden className="mt-0.5 size-5 shrink-0" />
      <div className="grid min-w-0 gap-1">
        <p className="font-semibold">{title}</p>
        <p className="break-words text-[0.9375rem] text-ink">{failure.error}</p>
        {failure.request_id && (
          <p className="text-xs break-all text-soft">
            Request <code className="font-mono">{failure.request_id}</code>
          </p>
        )}
        {failure.status === 401 ? (
          <SignInAgain />
        ) : (
          onRetry && (
            <div className="pt-2">
              <Button size="small" onClick={onRetry} disabled={left > 0}>
                {left > 0 ? `Try again in ${span(left)}` : 'Try again'}
              </Button>
            </div>
          )
        )}
      </div>
    </div>
  );
}

/** Back to this page afterwards. */
function SignInAgain() {
  const go = () => {
    const { pathname, search } = window.location;
    window.location.assign(`/sign-in?next=${encodeURIComponent(pathname + search)}`);
  };
  return (
    <div className="pt-2">
      <Button size="small" onClick={go}>
        Sign in
      </Button>
    </div>
  );
}

/** Seconds until it is worth asking again. */
function useCountdown(failure: Refused): number {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    const until = Date.now() + (failure.retry_after ?? 0) * 1000;
    const look = () => setLeft(Math.max(0, (until - Date.now()) / 1000));
    look();
    const timer = setInterval(look, 1000);
    return () => clearInterval(timer);
  }, [failure]);
  return left;
}
