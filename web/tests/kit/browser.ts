/** A page in front of the app's routes: calls the handlers as Next does. The cookies are in next-headers.ts. */

export interface Handlers {
  GET?: Handler;
  HEAD?: Handler;
  POST?: Handler;
  DELETE?: Handler;
}
type Handler = (request: Request, context: { params: Promise<Record<string, string>> }) => Promise<Response>;

const HOST = 'http://app.test';

/** As a page of the app sends it. */
export async function send(
  handlers: Handlers,
  method: keyof Handlers,
  { path = '/', body, headers, params = {}, signal }: Sent = {},
): Promise<Response> {
  const json = body !== undefined && !(body instanceof FormData);
  const request = new Request(HOST + path, {
    method,
    body: json ? JSON.stringify(body) : (body as FormData | undefined),
    headers: {
      host: 'app.test',
      ...(method !== 'GET' && method !== 'HEAD' && { 'sec-fetch-site': 'same-origin' }),
      ...(json && { 'content-type': 'application/json' }),
      ...headers,
    },
    signal,
  });
  const handler = handlers[method];
  if (!handler) throw new Error(`the route has no ${method}`);
  return handler(request, { params: Promise.resolve(params) });
}

interface Sent {
  path?: string;
  body?: object | FormData;
  headers?: Record<string, string>;
  params?: Record<string, string>;
  signal?: AbortSignal;
}
