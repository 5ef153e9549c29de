/** The way in and out, and that there is no other. */

import { PAGES } from './rig/pages.ts';
import { expect, rig, test } from './rig/test.ts';

test.use({ tenant: null });

test('pages lead to the sign-in, and the API answers 401', async ({ page }) => {
  for (const path of Object.values(PAGES)) {
    await page.goto(path);
    await expect(page).toHaveURL(/\/sign-in/);
  }
  const asked = await page.request.post('/api/ai/generate-image', { data: { prompt: 'a red circle' } });
  expect(asked.status()).toBe(401);
});

test.describe('with a key', () => {
  test.use({ expected: [/status of 401/] });

  test('one comes in, and goes out again', async ({ page }) => {
    await page.goto('/sign-in');
    const key = page.getByLabel('API key');
    await key.fill('atl_0123456789abcdef_wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(key).toHaveAccessibleDescription(/does not know it/);
    await expect(key).toHaveAttribute('aria-invalid', 'true');
    await key.fill(rig.keys.acme);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'What shall it be?' })).toBeVisible();
    await expect(page.getByTitle('acme')).toBeVisible();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(page).toHaveURL(/\/sign-in/);
    await page.goto(PAGES.artifacts);
    await expect(page).toHaveURL(/\/sign-in/);
  });
});

test('a name alone is not enough in production', async ({ page, baseURL }) => {
  const asked = await page.request.post('/api/session', {
    data: { tenant: 'acme' },
    headers: { origin: baseURL ?? '' },
  });
  expect(asked.status()).toBe(403);
});

test('another site cannot send requests', async ({ page }) => {
  const data = { api_key: rig.keys.acme };
  const asked = await page.request.post('/api/session', { data, headers: { origin: 'https://example.org' } });
  expect(asked.status()).toBe(403);
});
