import { redirect } from 'next/navigation';
import type { ReactNode } from 'react';
import { Shell } from '@/components/shell/shell';
import { session } from '@/lib/session';

export default async function SignedInLayout({ children }: { children: ReactNode }) {
  const who = await session();
  if (!who) redirect('/sign-in');
  return <Shell tenant={who.tenant}>{children}</Shell>;
}
