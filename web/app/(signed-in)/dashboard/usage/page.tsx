import type { Metadata } from 'next';
import { PageHead } from '@/components/ui/panel';
import { Limits } from './limits';
import { Month } from './month';

export const metadata: Metadata = { title: 'Usage' };

export default function UsagePage() {
  return (
    <>
      <PageHead title="Usage">What was used, day by day, and what is left of each limit.</PageHead>
      <div className="grid gap-10">
        <Month />
        <Limits />
      </div>
    </>
  );
}
