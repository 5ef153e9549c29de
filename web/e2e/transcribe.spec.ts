/** What a person says, with times; from a file, and from the microphone. */

import { readFileSync } from 'node:fs';
import { expectAccessible } from './rig/axe.ts';
import { aReading } from './rig/content.ts';
import { PAGES } from './rig/pages.ts';
import { expect, test } from './rig/test.ts';

test('a recording is written down, with times that lead into it, and taken away as subtitles', async ({
  page,
}) => {
  await page.goto(PAGES.transcribe);
  await page.getByLabel('Choose a recording, or drop it here').setInputFiles(aReading());
  await page.getByRole('button', { name: 'Transcribe' }).click();
  const said = page.getByRole('list', { name: 'What was said' });
  await expect(said, 'most of "he was not an ill disposed young man"').toContainText(
    /\b(was not|young man)\b/i,
  );
  await said
    .getByRole('button', { name: /^Go to 0:0/ })
    .first()
    .click();
  await expectAccessible(page);

  for (const [format, beginning] of [
    ['srt', /^1\r?\n00:00:0\d,\d{3} --> 00:00:0/],
    ['vtt', /^WEBVTT/],
    ['txt', /^\w/],
  ] as const) {
    const downloading = page.waitForEvent('download');
    await page.getByRole('button', { name: `Download ${format}` }).click();
    const file = await downloading;
    expect(file.suggestedFilename()).toMatch(new RegExp(`0880\\.${format}$`));
    expect(readFileSync(await file.path(), 'utf8')).toMatch(beginning);
  }
});

test('the microphone records, and what it recorded can be heard', async ({ page, context }) => {
  await context.grantPermissions(['microphone']);
  await page.goto(PAGES.transcribe);
  await page.getByRole('button', { name: 'Record with the microphone' }).click();
  await expect(page.getByText('0:01')).toBeVisible();
  await page.getByRole('button', { name: 'Finish' }).click();
  await expect(page.getByRole('button', { name: 'Transcribe' })).toBeEnabled();
  await expect(page.getByRole('button', { name: /^Play/ })).toBeVisible();
});

test('what is no recording is refused before it travels', async ({ page }) => {
  await page.goto(PAGES.transcribe);
  const file = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('words') };
  await page.getByLabel('Choose a recording, or drop it here').setInputFiles(file);
  await expect(page.getByRole('main').getByRole('alert')).toHaveText('notes.txt is neither sound nor video.');
});
