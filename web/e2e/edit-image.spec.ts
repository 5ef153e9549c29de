/** A new picture from an old one: whole, in a painted part, and compared with what it was. */

import { expectAccessible } from './rig/axe.ts';
import { aPicture } from './rig/content.ts';
import { PAGES, SENTENCE } from './rig/pages.ts';
import { expect, test } from './rig/test.ts';

const OTHER = 'a large green star on a white background';

test('a picture is changed, compared, and changed again in a painted part', async ({ page }) => {
  const { id } = await aPicture(page.request);
  await page.goto(`${PAGES['edit-image']}?artifact=${id}`);
  await expect(page.getByRole('img', { name: 'What is to be changed' })).toBeVisible();
  await page.getByLabel('What it should show').fill(OTHER);
  await page.getByRole('button', { name: 'Change it' }).click();
  await expect(page.getByRole('img', { name: 'After' })).toBeVisible();
  await expectAccessible(page);
  const slider = page.getByRole('slider', { name: 'How much is seen of the picture before' });
  await slider.press('Home');
  await expect(slider).toHaveAttribute('aria-valuetext', '0 %');
  await page.getByRole('button', { name: 'Go on from this one' }).click();

  await page.getByText('A painted part').click();
  const canvas = page.getByRole('application');
  await expect(page.getByRole('button', { name: 'Undo' })).toBeDisabled();
  await expectAccessible(page);
  const box = await canvas.boundingBox();
  if (!box) throw new Error('the canvas has no place');
  await page.mouse.move(box.x + box.width / 4, box.y + box.height / 4);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 5 });
  await page.mouse.up();
  await canvas.press('ArrowRight');
  await canvas.press(' ');
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(page.getByRole('button', { name: 'Undo' })).toBeEnabled();
  const sent = page.waitForRequest('/api/ai/image-to-image');
  await page.getByRole('button', { name: 'Change it' }).click();
  expect((await sent).headers()['content-type']).toContain('multipart/form-data');
  await expect(page.getByRole('img', { name: 'After' })).toBeVisible();
});

test('a picture of one’s own is dropped in', async ({ page }) => {
  const { url } = await aPicture(page.request, SENTENCE);
  const buffer = await (await page.request.get(url)).body();
  await page.goto(PAGES['edit-image']);
  await expect(page.getByText('Nothing on the easel yet')).toBeVisible();
  await page.getByLabel('Drop a picture here, or choose one').setInputFiles({
    name: 'own.png',
    mimeType: 'image/png',
    buffer,
  });
  await page.getByLabel('What it should show').fill(OTHER);
  await page.getByRole('button', { name: 'Change it' }).click();
  await expect(page.getByRole('img', { name: 'After' })).toBeVisible();
});
