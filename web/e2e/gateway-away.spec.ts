/** The gateway goes and comes back: pages say so, and go on without being loaded anew. */

import { bringBack, takeDown } from './rig/atelier.ts';
import { PAGES, SENTENCE } from './rig/pages.ts';
import { expect, rig, test } from './rig/test.ts';

test.use({ expected: [/status of 50[234]/] });

test.afterEach(async () => bringBack(rig.atelier)); // also where the test failed half way

test('a picture is refused while the gateway is away, and made when it is back', async ({ page }) => {
  await page.goto(PAGES['create-image']);
  await takeDown(rig.atelier);
  await page.getByLabel('Prompt').fill(SENTENCE);
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  const alert = page.getByRole('alert').filter({ hasText: 'This service is not available' }).first();
  await expect(alert).toBeVisible();
  await bringBack(rig.atelier);
  await alert.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('main').getByRole('img', { name: SENTENCE })).toBeVisible();
});
