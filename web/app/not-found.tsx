import Link from 'next/link';
import { Mark } from '@/components/shell/mark';
import { buttonClass } from '@/components/ui/button';

export default function NotFound() {
  return (
    <main className="grid min-h-dvh place-content-center justify-items-center gap-5 px-6 text-center">
      <Mark className="size-12" />
      <h1>There is nothing here</h1>
      <p className="max-w-[40ch] text-soft">The address may be mistyped, or what was here is gone.</p>
      <Link href="/" className={buttonClass({ look: 'primary' })}>
        To the start
      </Link>
    </main>
  );
}
