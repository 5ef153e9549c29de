/** Tenants of the tests, each used by one of them alone, and what they send and look at. */

import type { Caller } from '@/lib/ai/caller';
import { artifactFile, limits, textToImage, textToSpeech, usage } from '@/lib/ai/gateway';

let count = 0;

/** One that nobody else is. */
export function someone(name = 'tenant'): Caller {
  count += 1;
  return { tenant: `${name}-${process.pid}-${count}`, user: 'ann' };
}

export async function bytesOf(caller: Caller, id: string): Promise<Buffer> {
  const file = await artifactFile(caller, id);
  return Buffer.from(await file.arrayBuffer());
}

/** A picture that was just made, and its bytes as a file of a form. */
export async function aPicture(caller: Caller): Promise<{ id: string; file: File }> {
  const made = await textToImage(caller, {
    prompt: 'a red circle on a white background',
    num_inference_steps: 2,
  });
  const id = made.images[0]?.id ?? '';
  const file = new File([new Uint8Array(await bytesOf(caller, id))], 'picture.png', { type: 'image/png' });
  return { id, file };
}

const LONG_ENOUGH = 'Somebody reads this aloud, so that a voice can be learnt from it. '.repeat(3);

/** The form of a voice of one's own, of 6 to 30 seconds where `reference` is left out. */
export async function aVoice(caller: Caller, more: Record<string, string | File> = {}): Promise<FormData> {
  return form({
    name: 'Ann',
    consent: 'I am Ann, and a voice may be made from this recording of me.',
    consent_by: 'Ann Example',
    consent_at: '2026-01-31',
    reference: more.reference ?? (await aRecording(caller, LONG_ENOUGH)),
    ...more,
  });
}

export async function aRecording(caller: Caller, text = 'one two three four five'): Promise<File> {
  const spoken = await textToSpeech(caller, { text });
  return new File([new Uint8Array(await bytesOf(caller, spoken.id))], 'spoken.wav', { type: 'audio/wav' });
}

export function form(fields: Record<string, string | File>): FormData {
  const made = new FormData();
  for (const [name, value] of Object.entries(fields)) made.set(name, value);
  return made;
}

/** The same as a form that streams through, as a browser's comes in. */
export function upload(fields: Record<string, string | File>) {
  const sent = new Response(form(fields));
  if (!sent.body) throw new Error('a form has a body');
  return { form: sent.body, contentType: sent.headers.get('content-type') ?? '' };
}

/** A form in two pieces, of which the second waits until it may come: who keeps the first back waits in vain. */
export function slowUpload(until: Promise<void>) {
  const [head, tail] = [
    '--x\r\nContent-Disposition: form-data; name="file"; filename="x.png"\r\n\r\n',
    'DATA\r\n--x--\r\n',
  ];
  const encoder = new TextEncoder();
  const form = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(encoder.encode(head));
      await until;
      controller.enqueue(encoder.encode(tail));
      controller.close();
    },
  });
  return { form, contentType: 'multipart/form-data; boundary=x', sent: head + tail };
}

/** A body of so many equal pieces, each after a pause, and how many were taken of it. */
export function pieces(count: number, { bytes, milliseconds = 0 }: { bytes: number; milliseconds?: number }) {
  const piece = new Uint8Array(bytes).fill(0x78);
  const made = { taken: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (milliseconds) await new Promise((resolve) => setTimeout(resolve, milliseconds));
        if (made.taken === count) return controller.close();
        made.taken += 1;
        controller.enqueue(piece);
      },
      cancel() {
        made.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return Object.assign(made, { body });
}

/** Until it holds, for 20 seconds at most. */
export async function until<Found>(
  look: () => Promise<Found>,
  holds: (found: Found) => boolean,
): Promise<Found> {
  const end = Date.now() + 20_000;
  for (;;) {
    const found = await look();
    if (holds(found) || Date.now() > end) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Until the gateway has let a tenant's first request in. */
export async function admitted(caller: Caller): Promise<void> {
  await until(
    () => limits(caller),
    (found) => found.some(({ measure, left, allowed }) => measure === 'requests' && left < allowed),
  );
}

/** How many requests of a service ended how, once there are `count`. */
export async function settled(caller: Caller, service: string, count: number) {
  const month = await until(
    () => usage(caller),
    (found) => (found.services[service]?.requests ?? 0) >= count,
  );
  const { succeeded = 0, failed = 0, cancelled = 0 } = month.services[service] ?? {};
  return { succeeded, failed, cancelled };
}
