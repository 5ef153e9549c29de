/** Things that a tenant has: made through the app's own routes, or drawn and read aloud here. */

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { APIRequestContext, Browser } from '@playwright/test';
import type { Picture, Pictures, Speech } from '../../lib/shapes.ts';
import { SENTENCE } from './pages.ts';

const DATA =
  process.env.ATELIER_TEST_DATA ?? resolve(import.meta.dirname, '../../../build/testdata/pocketsphinx');
const READING = 'pocketsphinx-testdata/usr/share/pocketsphinx/test/data/librivox';

interface UploadedFile {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

export async function aPicture(request: APIRequestContext, prompt = SENTENCE): Promise<Picture> {
  // Of other seeds one in twenty-five becomes a cross.
  const answer = await request.post('/api/ai/generate-image', { data: { prompt, seed: 1 } });
  const [picture] = ((await answer.json()) as Pictures).images;
  if (!picture) throw new Error(`no picture: ${await answer.text()}`);
  return picture;
}

export async function aRecording(request: APIRequestContext, text = 'Hello from Atelier.'): Promise<Speech> {
  const answer = await request.post('/api/ai/text-to-speech', { data: { text } });
  if (!answer.ok()) throw new Error(`no speech: ${await answer.text()}`);
  return (await answer.json()) as Speech;
}

/** A page with these lines on it, as a photograph of a screen. */
export async function aSheet(browser: Browser, ...lines: string[]): Promise<UploadedFile> {
  const page = await browser.newPage({ viewport: { width: 900, height: 80 + 60 * lines.length } });
  const style = 'font: 32px "DejaVu Sans"; margin: 40px; line-height: 60px';
  await page.setContent(`<body style='${style}'>${lines.map((line) => `<div>${line}</div>`).join('')}`);
  const buffer = await page.screenshot();
  await page.close();
  return { name: 'sheet.png', mimeType: 'image/png', buffer };
}

/** A person who reads: "he was not an ill disposed young man". */
export const aReading = () => readAloud('0880');

/** Seven seconds of the same person: enough to learn a voice from. */
export const aVoice = () => readAloud('0870');

function readAloud(number: string): UploadedFile {
  const folder = join(DATA, READING);
  const name = readdirSync(folder).find((file) => file.endsWith(`-${number}.wav`));
  if (!name) throw new Error('The recorded speech is missing: type make test-setup');
  return { name, mimeType: 'audio/wav', buffer: readFileSync(join(folder, name)) };
}
