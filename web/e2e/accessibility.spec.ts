/** axe finds nothing on any page, in either theme, on a wide and on a narrow screen. */

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { PAGES } from './rig/pages.ts';
import { expect, test } from './rig/test.ts';

const WIDE = { width: 1440, height: 900 };
const NARROW = { width: 390, height: 844 };

const VIEWS = [
  { theme: 'light', screen: WIDE },
  { theme: 'dark', screen: WIDE },
  { theme: 'dark', screen: NARROW },
  { theme: 'light', screen: NARROW },
] as const;

async function check(page: Page, path: string): Promise<void> {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.goto(path);
  await expect(page.locator('[aria-busy="true"]'), 'everything is there').toHaveCount(0);
  for (const { theme, screen } of VIEWS) {
    await page.emulateMedia({ colorScheme: theme });
    await page.setViewportSize(screen);
    await expect(page.locator('html')).toHaveAttribute('data-theme', theme);
    const { violations } = await new AxeBuilder({ page }).analyze();
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
    expect(found, `${path}, ${theme}, ${screen.width} pixels`).toEqual([]);
  }
}

for (const [name, path] of Object.entries(PAGES)) {
  test(name, async ({ page }) => check(page, path));
}

test.describe('for nobody', () => {
  test.use({ tenant: null });
  test('sign-in', async ({ page }) => check(page, '/sign-in'));
});
