import type { Metadata } from 'next';
import { PageHead } from '@/components/ui/panel';
import { Services } from './services';

export const metadata: Metadata = { title: 'Status' };

export default function StatusPage() {
  return (
    <>
      <PageHead title="Status">
        How each service is, how quickly it answers, and who waits. Asked again every five seconds.
      </PageHead>
      <Services />
    </>
  );
}
