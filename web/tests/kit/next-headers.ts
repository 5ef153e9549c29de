/** Stands for `next/headers`, which works inside of a running Next alone: one browser's cookies, and its headers. */

interface Cookie {
  name: string;
  value: string;
  [option: string]: unknown;
}

const kept = new Map<string, string>();
let last: Partial<Cookie> = {};
let https = false;

export async function cookies() {
  return {
    get: (name: string) => (kept.has(name) ? { name, value: kept.get(name) } : undefined),
    set(name: string | Cookie, value = '', options: object = {}) {
      const cookie: Cookie = typeof name === 'string' ? { name, value, ...options } : name;
      last = cookie;
      if (cookie.value) kept.set(cookie.name, cookie.value);
      else kept.delete(cookie.name);
    },
  };
}

export async function headers() {
  return new Headers(https ? { 'x-forwarded-proto': 'https' } : {});
}

/** The browser, for a test to look into. */
export const browser = {
  /** What the last cookie was set with. */
  get lastCookie() {
    return last;
  },
  speakHttps() {
    https = true;
  },
  forget() {
    kept.clear();
    https = false;
  },
};
