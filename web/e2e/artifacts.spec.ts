/** Everything that was made: looked at, filtered, deleted. */

import { expectAccessible } from './rig/axe.ts';
import { aPicture, aRecording } from './rig/content.ts';
import { PAGES } from './rig/pages.ts';
import { expect, test } from './rig/test.ts';

test.use({ tenant: 'globex' });

test('pictures and recordings are shown, filtered and deleted', async ({ page }) => {
  const picture = await aPicture(page.request);
  const speech = await aRecording(page.request);
  await page.goto(`${PAGES.artifacts}#${picture.id}`);
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('img', { name: 'Picture' })).toBeVisible();
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('button', { name: 'Delete for good?' }).click();
  await expect(dialog).toBeHidden();
  await expect(page.locator(`img[src*="${picture.id}"]`)).toHaveCount(0);

  await page.getByText('Speech', { exact: true }).last().click();
  await page
    .getByRole('button', { name: /Recording of/ })
    .first()
    .click();
  await expect(dialog.locator('audio')).toHaveAttribute('src', speech.url);
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.getByText('Edited', { exact: true }).click();
  await expect(page.getByText('Nothing here')).toBeVisible();
});

test.describe('afterwards', () => {
  test('a picture that was deleted is gone', async ({ page }) => {
    const picture = await aPicture(page.request);
    expect((await page.request.delete(picture.url)).ok()).toBe(true);
    expect((await page.request.get(picture.url)).status()).toBe(404);
  });
});
