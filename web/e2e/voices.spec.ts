/** A voice of one's own: added with consent, listed, heard and deleted; and what is refused says why. */

import { expectAccessible } from './rig/axe.ts';
import { aReading, aVoice } from './rig/content.ts';
import { PAGES } from './rig/pages.ts';
import { expect, test } from './rig/test.ts';

test.use({ expected: [/status of 422/] });

test('a recording becomes a voice, unless it is too short, and is deleted again', async ({ page }) => {
  await page.goto(PAGES.speech);
  await page.getByRole('link', { name: 'Your own voices' }).click();
  await expect(page.getByText('No model here can speak with them')).toBeVisible();
  await expect(page.getByText('No voice yet')).toBeVisible();

  const add = page.getByRole('button', { name: 'Add the voice' });
  const recording = page.getByRole('group', { name: 'Recording' });
  const choose = page.getByLabel('Choose a recording, or drop it here');
  await page.getByLabel('Name', { exact: true }).fill('Ann');
  await page.getByLabel('Who speaks', { exact: true }).fill('Ann Example');
  await add.click();
  await expect(page.getByRole('checkbox'), 'without consent nothing is sent').toBeFocused();
  await page.getByRole('checkbox').check();
  await add.click();
  await expect(recording).toHaveAccessibleDescription('Choose a recording, or make one, first.');
  await choose.setInputFiles(aReading());
  await add.click();
  await expect(recording).toHaveAccessibleDescription(/^Send 6 to 30 seconds of speech; .* has 3\.0 s$/);
  await recording.getByRole('button', { name: 'Take another recording' }).click();
  await choose.setInputFiles(aVoice());
  await add.click();

  const voices = page.getByRole('region', { name: 'Voices' });
  const ann = voices.getByRole('listitem').filter({ hasText: 'Ann' });
  await expect(ann).toContainText('0:07');
  await expect(voices, 'the keyboard goes on from there').toBeFocused();
  await expect(page.getByLabel('Name', { exact: true }), 'there is room for the next').toHaveValue('');
  await ann.getByText(/^Consent of Ann Example/).click();
  await expect(ann.getByRole('blockquote')).toContainText('I agree that acme makes a voice');
  await ann.getByRole('button', { name: 'Play: Ann' }).click();
  await expect(ann.getByText(/^0:0\d of 0:07/), 'it plays').toBeVisible();

  await ann.getByRole('button', { name: 'Delete Ann' }).click();
  await expect(ann.getByRole('button', { name: 'Keep' })).toBeFocused();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await expect(ann.getByRole('button', { name: 'Delete Ann' })).toBeFocused();
  await page.keyboard.press('Enter');
  await ann.getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(page.getByText('No voice yet')).toBeVisible();
});
