/** axe finds nothing on any page, in either theme, on a wide and on a narrow screen. */

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { PAGES } from './rig/pages.ts';
import { expect, test } from './rig/test.ts';

const SCREENS = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
];

async function check(page: Page, path: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const screen of SCREENS) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.setViewportSize(screen);
      await page.goto(path, { waitUntil: 'networkidle' });
      const { violations } = await new AxeBuilder({ page }).analyze();
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
      expect(found, `${path}, ${colorScheme}, ${screen.width} pixels`).toEqual([]);
    }
  }
}

for (const [name, path] of Object.entries(PAGES)) {
  test(name, async ({ page }) => check(page, path));
}

test.describe('for nobody', () => {
  test.use({ tenant: null });
  test('sign-in', async ({ page }) => check(page, '/sign-in'));
});
