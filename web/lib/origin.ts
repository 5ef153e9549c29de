/** Whether a request that changes something comes from the app itself: what keeps other sites from sending it. */

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

export function isForeign(request: Request): boolean {
  if (SAFE.has(request.method)) return false;
  const site = request.headers.get('sec-fetch-site');
  if (site !== null) return site !== 'same-origin';
  const origin = request.headers.get('origin');
  // Every browser sends one of the two with such a request: what sends neither has no cookie by accident.
  return origin !== null && hostOf(origin) !== ownHost(request);
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function ownHost(request: Request): string | null {
  return request.headers.get('x-forwarded-host') ?? request.headers.get('host');
}
