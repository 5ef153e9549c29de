import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { ThemeButton } from '@/components/shell/account';
import { Mark } from '@/components/shell/mark';
import { session } from '@/lib/session';
import { takesNames } from '@/lib/sign-in';
import { SignInForm } from './sign-in-form';

export const metadata: Metadata = { title: 'Sign in' };

interface PageProps {
  searchParams: Promise<{ next?: string | string[] }>;
}

export default async function SignInPage({ searchParams }: PageProps) {
  const next = ownPath((await searchParams).next);
  if (await session()) redirect(next);
  return (
    <main className="grid min-h-dvh place-items-center px-4 py-10">
      <div className="grid w-full max-w-sm gap-6">
        <div className="flex items-center justify-between">
          <p className="flex items-center gap-3 text-lg font-semibold tracking-tight">
            <Mark /> Atelier
          </p>
          <ThemeButton />
        </div>
        <div className="grid gap-2">
          <h1>Sign in</h1>
          <p className="text-pretty text-soft">Pictures, speech and text, made on machines of your own.</p>
        </div>
        <SignInForm demo={takesNames()} next={next} />
      </div>
    </main>
  );
}

/** Where one wanted to go, if it is a page of this app. */
function ownPath(next: string | string[] | undefined): string {
  const here = 'http://app.invalid';
  const wanted = typeof next === 'string' && URL.canParse(next, here) ? new URL(next, here) : null;
  return wanted?.origin === here ? wanted.pathname + wanted.search : '/';
}
