/** Pictures of every page with something on it, wide and narrow, light and dark: `npm run shots` puts them into shots/. */

import type { Page } from '@playwright/test';
import { aPicture, aReading, aRecording, aSheet, aVoice } from './rig/content.ts';
import { PAGES, SENTENCE } from './rig/pages.ts';
import { expect, test } from './rig/test.ts';

const SCREENS = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
];

const PROMPTS = [
  'a large green star on a white background',
  'a small yellow triangle on the right of a purple background',
  'a large blue square on a yellow background',
  'two red circles on a white background',
];

async function shoot(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const screen of SCREENS) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.setViewportSize(screen);
      await page.evaluate(() => window.scrollTo(0, 0));
      await page.screenshot({ path: `shots/${name}-${screen.width}-${colorScheme}.png`, fullPage: true });
    }
  }
}

test.beforeAll(async ({ browser, baseURL, storageState }) => {
  const context = await browser.newContext({ baseURL, storageState });
  for (const prompt of PROMPTS) await aPicture(context.request, prompt);
  await aRecording(context.request, 'Everything that was made here, in one place.');
  await context.close();
});

test('create-image', async ({ page }) => {
  await page.goto(PAGES['create-image']);
  await page.getByLabel('Prompt').fill(SENTENCE);
  await page.getByRole('group', { name: 'How many' }).getByText('2').click();
  await page.getByText('Advanced settings').click();
  await page.getByLabel('Steps').fill('40');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await expect(page.getByRole('img', { name: 'Not finished yet' })).toBeVisible();
  await page.screenshot({ path: 'shots/create-image-being-made.png' });
  await expect(page.getByRole('main').getByRole('img', { name: SENTENCE })).toBeVisible();
  await shoot(page, 'create-image');
});

test('edit-image', async ({ page }) => {
  const { id } = await aPicture(page.request);
  await page.goto(`${PAGES['edit-image']}?artifact=${id}`);
  await page.getByText('A painted part').click();
  const box = await page.getByRole('application').boundingBox();
  if (!box) throw new Error('the canvas has no place');
  await page.mouse.move(box.x + box.width * 0.2, box.y + box.height * 0.5);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.4, box.y + box.height * 0.4, { steps: 8 });
  await page.mouse.up();
  await shoot(page, 'edit-image-painting');
  await page.getByText('All of it', { exact: true }).click();
  await page.getByLabel('What it should show').fill(PROMPTS[0] ?? '');
  await page.getByRole('button', { name: 'Change it' }).click();
  await expect(page.getByRole('img', { name: 'After' })).toBeVisible();
  await shoot(page, 'edit-image');
});

test('read-image', async ({ page, browser }) => {
  await page.goto(PAGES['read-image']);
  const sheet = await aSheet(browser, 'INVOICE 118', '3 frames, oak', 'Total: 42 euro');
  await page.getByLabel('Drop a picture here, or choose one').setInputFiles(sheet);
  await page.getByRole('button', { name: 'Read', exact: true }).click();
  await expect(page.getByRole('button', { name: /^INVOICE 118/ })).toBeVisible();
  await shoot(page, 'read-image');
});

test('speech', async ({ page }) => {
  await page.goto(PAGES.speech);
  await page.getByLabel('Text').fill('Welcome. It is good to have you here.');
  await page.getByRole('button', { name: 'Speak' }).click();
  await expect(page.getByRole('slider', { name: 'Place in the recording' })).toBeEnabled();
  await shoot(page, 'speech');
});

test.describe('a recording that is too short', () => {
  test.use({ expected: [/status of 422/] });
  test('voices', async ({ page }) => {
    const fill = async (name: string, recording: ReturnType<typeof aVoice>) => {
      await page.getByLabel('Choose a recording, or drop it here').setInputFiles(recording);
      await page.getByLabel('Name', { exact: true }).fill(name);
      await page.getByLabel('Who speaks', { exact: true }).fill('Ann Example');
      await page.getByRole('checkbox').check();
      await page.getByRole('button', { name: 'Add the voice' }).click();
    };
    await page.goto(PAGES.voices, { waitUntil: 'networkidle' });
    await shoot(page, 'voices-none');
    for (const name of ['Ann', 'The voice of our announcements']) {
      await fill(name, aVoice());
      await expect(page.getByRole('button', { name: `Play: ${name}` })).toBeVisible();
    }
    await fill('Ben', aReading());
    await expect(page.getByText(/^Send 6 to 30 seconds/)).toBeVisible();
    await page
      .getByText(/^Consent of Ann/)
      .last()
      .click();
    await page.getByRole('button', { name: 'Delete Ann' }).click();
    await shoot(page, 'voices');
  });
});

test('transcribe', async ({ page }) => {
  await page.goto(PAGES.transcribe);
  await page.getByLabel('Choose a recording, or drop it here').setInputFiles(aReading());
  await page.getByRole('button', { name: 'Transcribe' }).click();
  await expect(page.getByRole('list', { name: 'What was said' })).toBeVisible();
  await shoot(page, 'transcribe');
});

for (const name of ['start', 'artifacts', 'usage', 'status'] as const) {
  test(name, async ({ page }) => {
    await page.goto(PAGES[name], { waitUntil: 'networkidle' });
    await shoot(page, name);
  });
}

test.describe('for nobody', () => {
  test.use({ tenant: null });
  test('sign-in', async ({ page }) => {
    await page.goto('/sign-in');
    await shoot(page, 'sign-in');
  });
});
