/** axe finds nothing on the page as it is now, in either theme, on a wide and on a narrow screen. */

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect } from './test.ts';

const WIDE = { width: 1440, height: 900 };
const NARROW = { width: 390, height: 844 };

const VIEWS = [
  { theme: 'dark', screen: NARROW },
  { theme: 'light', screen: NARROW },
  { theme: 'dark', screen: WIDE },
  { theme: 'light', screen: WIDE },
] as const;

export async function expectAccessible(page: Page): Promise<void> {
  for (const { theme, screen } of VIEWS) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await page.setViewportSize(screen);
    await expect(page.locator('html')).toHaveAttribute('data-theme', theme);
    const beyond = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
    expect(await page.evaluate(beyond), `pixels beyond the edge of ${screen.width}`).toBe(0);
    const { violations } = await new AxeBuilder({ page }).analyze();
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
    expect(found, `${page.url()}, ${theme}, ${screen.width} pixels`).toEqual([]);
  }
}
