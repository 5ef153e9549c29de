/** Whether a request that changes something comes from the app itself: what keeps other sites from sending it. */

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

export function isForeign(request: Request): boolean {
  if (SAFE.has(request.method)) return false;
  const site = request.headers.get('sec-fetch-site');
  if (site !== null) return site !== 'same-origin';
  const origin = request.headers.get('origin');
  // Every browser sends one of the two with such a request: what sends neither has no cookie by accident.
  return origin !== null && !isOwn(origin, request.headers);
}

/** The host is read as the origin is: a port that goes without saying is left out, and of several proxies' the first. */
function isOwn(origin: string, headers: Headers): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host } = new URL(origin);
  const [called = ''] = (headers.get('x-forwarded-host') ?? headers.get('host') ?? '').split(',');
  const own = `${protocol}//${called.trim()}`;
  return URL.canParse(own) && new URL(own).host === host;
}
