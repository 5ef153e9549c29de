import { redirect } from 'next/navigation';
import type { ReactNode } from 'react';
import { Shell } from '@/components/shell/shell';
import { NotConfigured } from '@/lib/ai/errors';
import { features } from '@/lib/ai/gateway';
import { FeaturesProvider } from '@/lib/client/features';
import { type Session, session } from '@/lib/session';

export default async function SignedInLayout({ children }: { children: ReactNode }) {
  const who = await session();
  if (!who) redirect('/sign-in');
  return (
    <FeaturesProvider features={featuresOf(who)}>
      <Shell tenant={who.tenant}>{children}</Shell>
    </FeaturesProvider>
  );
}

/** Where settings are missing, the pages' own requests say which. */
function featuresOf(who: Session) {
  try {
    return features(who);
  } catch (problem) {
    if (problem instanceof NotConfigured) return null;
    throw problem;
  }
}
