/** A text is spoken: with a voice of one's choice, to hear, to keep, and from the list of those made before. */

import { expectAccessible } from './rig/axe.ts';
import { PAGES } from './rig/pages.ts';
import { expect, test } from './rig/test.ts';

const TEXT = 'Welcome. It is good to have you here.';

test('a text is spoken in a language that is typed for, played, and kept', async ({ page }) => {
  await page.goto(PAGES.speech);
  await page.getByLabel('Text').fill(TEXT);
  const language = page.getByRole('combobox', { name: 'Language' });
  await language.fill('German');
  await page
    .getByRole('option', { name: /German/ })
    .first()
    .click();
  await page.getByRole('slider', { name: 'Speed' }).press('ArrowRight');
  const sent = page.waitForRequest('**/api/ai/text-to-speech');
  await page.getByRole('button', { name: 'Speak' }).click();
  expect((await sent).postDataJSON()).toMatchObject({ text: TEXT, language: 'de', speed: 1.05 });

  const place = page.getByRole('slider', { name: 'Place in the recording' });
  await expect(place).toBeEnabled();
  await expect(place, 'it plays').not.toHaveAttribute('aria-valuetext', /^0:00 /);
  await expectAccessible(page);
  const downloading = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download', exact: true }).click();
  expect((await downloading).suggestedFilename()).toMatch(/\.mp3$/);

  await page.reload();
  await page.getByRole('button', { name: `Play: ${TEXT}` }).click();
  await expect(page.getByText(/^0:0\d of 0:0\d/), 'it plays').toBeVisible();
});
