/** How quick the page that creates images is: Lighthouse, and what JavaScript a browser loads for it. */

import { chromium } from '@playwright/test';
import lighthouse, { desktopConfig } from 'lighthouse';
import { CHROMIUM, FLAGS } from './rig/chromium.ts';
import { PAGES } from './rig/pages.ts';
import { freePort } from './rig/ports.ts';
import { expect, test } from './rig/test.ts';

const RUNS = 3;
const MOST_JAVASCRIPT = 170_000;
const LEAST = { performance: 95, accessibility: 100, 'best-practices': 95 } as const;
const CATEGORIES = Object.keys(LEAST) as (keyof typeof LEAST)[];

test.setTimeout(180_000);

test('Lighthouse', async ({ context, baseURL }) => {
  const cookies = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  const port = await freePort();
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [...FLAGS, `--remote-debugging-port=${port}`],
  });
  const scores: Record<string, number>[] = [];
  for (let run = 0; run < RUNS; run++) {
    const extraHeaders = { Cookie: cookies };
    const flags = { port, extraHeaders, onlyCategories: CATEGORIES, logLevel: 'error' as const };
    const result = await lighthouse(`${baseURL}${PAGES['create-image']}`, flags, desktopConfig);
    expect(result?.lhr.finalDisplayedUrl).toContain(PAGES['create-image']);
    const found = CATEGORIES.map((name) => [
      name,
      Math.round((result?.lhr.categories[name]?.score ?? 0) * 100),
    ]);
    scores.push(Object.fromEntries(found));
  }
  await browser.close();
  for (const name of CATEGORIES) {
    const sorted = scores.map((score) => score[name] ?? 0).sort((a, b) => a - b);
    console.log(`Lighthouse, ${name}: ${sorted.join(', ')}`);
    expect(sorted[Math.floor(RUNS / 2)], name).toBeGreaterThanOrEqual(LEAST[name]);
  }
});

test('the JavaScript of the first load', async ({ page, context }) => {
  const session = await context.newCDPSession(page);
  const addresses = new Map<string, string>();
  const loaded: { bytes: number; file: string }[] = [];
  await session.send('Network.enable');
  session.on('Network.responseReceived', ({ requestId, type, response }) => {
    if (type === 'Script') addresses.set(requestId, new URL(response.url).pathname);
  });
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength: bytes }) => {
    const file = addresses.get(requestId);
    if (file) loaded.push({ bytes, file });
  });
  await page.goto(PAGES['create-image']);
  await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
  const bytes = loaded.reduce((sum, script) => sum + script.bytes, 0);
  console.log(`First-load JavaScript: ${loaded.length} files, ${(bytes / 1000).toFixed(1)} kB compressed`);
  for (const script of loaded.sort((a, b) => b.bytes - a.bytes))
    console.log(`  ${script.bytes} ${script.file}`);
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThanOrEqual(MOST_JAVASCRIPT);
});
