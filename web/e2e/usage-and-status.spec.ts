/** What was used, what is left, and how everything is. */

import { readFileSync } from 'node:fs';
import { aPicture } from './rig/content.ts';
import { PAGES } from './rig/pages.ts';
import { expect, test } from './rig/test.ts';

test('usage has the picture that was just made, as a chart, a table and a file', async ({ page }) => {
  await aPicture(page.request);
  await page.goto(PAGES.usage);
  await expect(page.getByRole('table').getByText('Text to image').first()).toBeVisible();
  await expect(page.locator('.recharts-bar-rectangle').first()).toBeVisible();
  await expect(
    page
      .getByRole('region', { name: 'Limits' })
      .getByText(/of 100,000/)
      .first(),
  ).toBeVisible();
  const downloading = page.waitForEvent('download');
  await page
    .getByRole('link', { name: /CSV/ })
    .or(page.getByRole('button', { name: /CSV/ }))
    .click();
  const file = await (await downloading).path();
  expect(readFileSync(file, 'utf8')).toContain('text-to-image');
});

test('every service is there, with its model and its queue', async ({ page }) => {
  await page.goto(PAGES.status);
  await expect(page.getByText('Everything is ready.').first()).toBeVisible();
  for (const name of [
    'Text to image',
    'Text to speech',
    'Speech to text',
    'Image to image',
    'Image to text',
  ]) {
    const row = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name }) });
    await expect(row.getByText('Ready')).toBeVisible();
    await expect(row.getByText(/\d running, \d waiting/)).toBeVisible();
  }
});

test('the start page leads everywhere, and shows what was made lately', async ({ page }) => {
  await page.goto(PAGES.start);
  await expect(page.getByRole('main').getByRole('link', { name: /Create image/ })).toBeVisible();
  await page
    .getByRole('main')
    .getByRole('link', { name: /Read image/ })
    .click();
  await expect(page.getByRole('heading', { level: 1, name: 'Read an image' })).toBeVisible();
});
