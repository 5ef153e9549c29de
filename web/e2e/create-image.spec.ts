/** Pictures from words: as they are made, when they are finished, and what can be done with them then. */

import type { Page } from '@playwright/test';
import { expectAccessible } from './rig/axe.ts';
import { PAGES, SENTENCE } from './rig/pages.ts';
import { expect, test } from './rig/test.ts';

const finished = (page: Page) => page.getByRole('main').getByRole('img', { name: SENTENCE });

async function create(page: Page): Promise<void> {
  await page.getByLabel('Prompt').fill(SENTENCE);
  await page.getByRole('button', { name: 'Create', exact: true }).click();
}

const width = (page: Page) => finished(page).evaluate((image: HTMLImageElement) => image.naturalWidth);

test('a picture appears while it is made, and stays in the history', async ({ page }) => {
  await page.goto(PAGES['create-image']);
  await page.getByText('Advanced settings').click();
  await page.getByLabel('Steps').fill('40');
  await create(page);
  await expect(page.getByRole('img', { name: 'Not finished yet' })).toBeVisible();
  await expect(page.getByRole('progressbar', { name: 'Progress' })).toHaveAttribute('aria-valuemax', '40');
  await expect(finished(page)).toBeVisible();
  expect(await width(page)).toBeGreaterThan(0);
  await expect(page.getByRole('button', { name: `Show: ${SENTENCE}` })).toBeVisible();

  await page.reload();
  await page.getByRole('button', { name: `Show: ${SENTENCE}` }).click();
  await expect(finished(page)).toBeVisible();
});

test('several at once; one is downloaded, linked to, varied, and the start of another', async ({
  page,
  context,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto(PAGES['create-image']);
  await page.getByRole('group', { name: 'How many' }).getByText('2').click();
  await create(page);
  const pictures = page.getByRole('list', { name: 'The pictures' }).getByRole('button');
  await expect(pictures).toHaveCount(2);
  await pictures.nth(1).click();
  await expect(pictures.nth(1)).toHaveAttribute('aria-pressed', 'true');

  await expectAccessible(page);

  const downloading = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download' }).click();
  expect((await downloading).suggestedFilename()).toMatch(/\.(png|webp|jpe?g)$/);

  await page.getByRole('button', { name: 'Copy link' }).click();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  expect((await page.request.get(link)).headers()['content-type']).toBe('image/png');

  await page.getByRole('button', { name: 'Variations' }).click();
  await expect(page.getByRole('progressbar')).toBeVisible();
  await expect(finished(page)).toBeVisible();

  await page.getByRole('button', { name: 'Use as the start of a new one' }).click();
  await expect(page.getByRole('img', { name: 'Where the new one begins' })).toBeVisible();
  await create(page);
  await expect(finished(page)).toBeVisible();
});

test('a picture that is cancelled stops at once', async ({ page }) => {
  await page.goto(PAGES['create-image']);
  await page.getByText('Advanced settings').click();
  await page.getByLabel('Steps').fill('150');
  await create(page);
  await expect(page.getByRole('img', { name: 'Not finished yet' })).toBeVisible();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByRole('progressbar')).toBeHidden();
  await expect(page.getByRole('button', { name: 'Create', exact: true })).toBeEnabled();
  await expect(page.getByRole('main').getByRole('alert')).toHaveCount(0);
  await expect
    .poll(async () => {
      const { services } = await (await page.request.get('/api/ai/health')).json();
      return services['text-to-image'].queue.running;
    }, 'the worker has nothing left to do')
    .toBe(0);
});

test.describe('with a small limit', () => {
  test.use({ tenant: 'frugal', expected: [/status of 429/] });

  test('the page says that it is reached, and until when', async ({ page }) => {
    await page.goto(PAGES['create-image']);
    await expect(page.getByText('1 of 1 left this hour')).toBeVisible();
    await create(page);
    await expect(finished(page)).toBeVisible();
    await create(page);
    const alert = page.getByRole('alert').filter({ hasText: 'The limit is reached' });
    await expect(alert).toBeVisible();
    await expect(alert.getByRole('button', { name: /^Try again in/ })).toBeDisabled();
    await expectAccessible(page);
    await expect(page.getByText(/The limit of 1 a hour|an hour is used up/)).toBeVisible();
  });
});
