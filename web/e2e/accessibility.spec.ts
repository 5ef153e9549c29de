/** Every page as one comes to it, and by keyboard. What it shows then is looked at where it is made. */

import { expectAccessible } from './rig/axe.ts';
import { aPicture, aRecording } from './rig/content.ts';
import { PAGES } from './rig/pages.ts';
import { expect, test } from './rig/test.ts';

test.beforeAll(async ({ browser, baseURL, storageState }) => {
  const context = await browser.newContext({ baseURL, storageState });
  await aPicture(context.request);
  await aRecording(context.request);
  await context.close();
});

for (const [name, path] of Object.entries(PAGES)) {
  test(name, async ({ page }) => {
    await page.goto(path);
    await expect(page.locator('[aria-busy="true"]'), 'everything is there').toHaveCount(0);
    await expectAccessible(page);
  });
}

test('the first key leads past the navigation', async ({ page }) => {
  await page.goto(PAGES['create-image']);
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the page' })).toBeFocused();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await expect(page.getByLabel('Prompt')).toBeFocused();
});

test('the pages of a narrow screen are behind a button', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(PAGES.status);
  await page.getByRole('button', { name: 'Menu' }).press('Enter');
  const drawer = page.getByRole('dialog', { name: 'Pages' });
  await expect(drawer.getByRole('link', { name: 'Status' })).toHaveAttribute('aria-current', 'page');
  await page.keyboard.press('Escape');
  await expect(drawer).toBeHidden();
  await expect(page.getByRole('button', { name: 'Menu' })).toBeFocused();
});

test.describe('for nobody', () => {
  test.use({ tenant: null });
  test('sign-in', async ({ page }) => {
    await page.goto('/sign-in');
    await expectAccessible(page);
  });
});
