/** Before every page: its content-security policy with a nonce of its own, and the way to sign in for who is not. */

import { type NextRequest, NextResponse } from 'next/server';
import { NotConfigured } from './lib/ai/errors';
import { session } from './lib/session';

/** Pages only: the API answers for itself, and files need neither. */
export const config = {
  matcher: [
    {
      source:
        '/((?!api/|_next/|favicon.ico|icon|apple-icon|manifest|robots.txt|sitemap.xml|.*\\.(?:svg|png|ico|webmanifest)$).*)',
    },
  ],
};

const SIGN_IN = '/sign-in';

export async function proxy(request: NextRequest): Promise<NextResponse> {
  const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64');
  const policy = contentSecurityPolicy(nonce);
  const { pathname, search } = request.nextUrl;
  const found = await session().catch((problem: unknown) => {
    if (problem instanceof NotConfigured) return problem;
    throw problem;
  });
  if (found instanceof NotConfigured) return new NextResponse(found.message, { status: found.status });
  if (pathname !== SIGN_IN && !found) {
    const target = new URL(SIGN_IN, request.url);
    if (pathname !== '/') target.searchParams.set('next', pathname + search);
    return NextResponse.redirect(target);
  }
  const headers = new Headers(request.headers);
  headers.set('x-nonce', nonce);
  headers.set('content-security-policy', policy); // Next reads the nonce for its own scripts here
  const response = NextResponse.next({ request: { headers } });
  response.headers.set('content-security-policy', policy);
  return response;
}

/** Style attributes are what charts and menus place their parts with; style elements need the nonce. */
function contentSecurityPolicy(nonce: string): string {
  const development = process.env.NODE_ENV === 'development';
  const styles = development ? "'unsafe-inline'" : `'nonce-${nonce}'`;
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${development ? " 'unsafe-eval'" : ''}`,
    `style-src 'self' ${styles}`,
    `style-src-elem 'self' ${styles}`,
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' blob: data:",
    "media-src 'self' blob: data:",
    "font-src 'self'",
    `connect-src 'self' blob: data:${development ? ' ws:' : ''}`,
    "worker-src 'self' blob:",
    "frame-ancestors 'none'",
    "form-action 'self'",
    "base-uri 'none'",
    "object-src 'none'",
  ].join('; ');
}
