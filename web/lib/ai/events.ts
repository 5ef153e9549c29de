/** Server-sent events, read and written (https://html.spec.whatwg.org/multipage/server-sent-events.html). */

export interface ServerEvent {
  name: string;
  data: string;
}

/** The events of a body, whatever the pieces that it arrives in. */
export async function* read(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.getReader(); // not every browser can iterate a stream
  const decoder = new TextDecoder();
  let pending = '';
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      pending += decoder.decode(piece.value, { stream: true });
      const blocks = pending.split(/\r?\n\r?\n/);
      pending = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = parsed(block);
        if (event) yield event;
      }
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}

function parsed(block: string): ServerEvent | undefined {
  let name = 'message';
  const lines: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^(\w+): ?(.*)$/s.exec(line) ?? [];
    if (field === 'event' && value) name = value;
    if (field === 'data') lines.push(value ?? '');
  }
  return lines.length ? { name, data: lines.join('\n') } : undefined;
}

/** A body of one event for each object; `failed` words what is thrown, as the last one. */
export function written<Event>(
  events: AsyncIterable<Event>,
  failed: (problem: unknown) => Event,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const source = events[Symbol.asyncIterator]();
  const encoded = (event: Event) => encoder.encode(`data: ${JSON.stringify(event)}\n\n`);
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await source.next();
        if (done) controller.close();
        else controller.enqueue(encoded(value));
      } catch (problem) {
        controller.enqueue(encoded(failed(problem)));
        controller.close();
      }
    },
    async cancel() {
      await source.return?.();
    },
  });
}
