/** What a picture shows, and the text in it, line by line and where it stands. */

import { expectAccessible } from './rig/axe.ts';
import { aPicture, aSheet } from './rig/content.ts';
import { PAGES, SENTENCE } from './rig/pages.ts';
import { expect, test } from './rig/test.ts';

test('a sheet of text is read', async ({ page, browser }) => {
  await page.goto(PAGES['read-image']);
  const sheet = await aSheet(browser, 'INVOICE 118', 'Total: 42 euro');
  await page.getByLabel('Drop a picture here, or choose one').setInputFiles(sheet);
  await page.getByText('Its text', { exact: true }).click();
  await page.getByRole('button', { name: 'Read', exact: true }).click();
  await expect(page.getByRole('button', { name: /^INVOICE 118/ })).toBeVisible();
  await expect(page.getByRole('button', { name: /^Total: 42 euro/ })).toBeVisible();
  await expect(page.locator('main svg polygon'), 'a box around each line').toHaveCount(2);
  await expectAccessible(page);
  await expect(page.getByRole('button', { name: 'Copy' })).toBeVisible();
});

test('a picture is described', async ({ page }) => {
  const { id } = await aPicture(page.request);
  await page.goto(`${PAGES['read-image']}?artifact=${id}`);
  await page.getByText('What it shows', { exact: true }).click();
  await page.getByRole('button', { name: 'Read', exact: true }).click();
  await expect(page.getByRole('main')).toContainText(SENTENCE);
});
