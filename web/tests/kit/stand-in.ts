/** A small HTTP server in the gateway's place, for what a real one does seldom: it answers as it is told. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';

export interface Asked {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
  /** Settles when the client has gone before the end. */
  left: Promise<void>;
}

export type Reply = (response: ServerResponse, asked: Asked) => void | Promise<void>;

const stops: (() => void)[] = [];

afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

export interface StandIn {
  url: string;
  asked: Asked[];
  /** Settles with the first bytes of the first body. */
  begun: Promise<void>;
}

/** Each request gets the next reply; the last one stands for all that follow. */
export async function standIn(...replies: Reply[]): Promise<StandIn> {
  const asked: Asked[] = [];
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const server = createServer(async (request, response) => {
    const left = new Promise<void>((resolve) => {
      response.once('close', () => !response.writableFinished && resolve());
    });
    let body = '';
    try {
      for await (const piece of request) {
        begin();
        body += piece;
      }
    } catch {
      return; // broken off
    }
    const { method = '', url = '', headers } = request;
    const reply = replies[Math.min(asked.length, replies.length - 1)];
    asked.push({ method, url, headers, body, left });
    await reply?.(response, { method, url, headers, body, left });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, begun };
}

export function says(status: number, body: unknown, headers: Record<string, string> = {}): Reply {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}
