/** What one tenant made is not there for another, whichever way it is asked for. */

import { PAGES, SENTENCE } from './rig/pages.ts';
import { expect, signedIn, test } from './rig/test.ts';

test('an artifact of another tenant is not found', async ({ page, browser, baseURL }) => {
  const made = await page.request.post('/api/ai/generate-image', {
    data: { prompt: SENTENCE },
    headers: { origin: baseURL ?? '' },
  });
  const { images } = (await made.json()) as { images: { id: string; url: string }[] };
  const [picture] = images;
  expect((await page.request.get(picture?.url ?? '')).status()).toBe(200);

  const context = await browser.newContext({
    storageState: await signedIn('globex', baseURL ?? ''),
    baseURL,
  });
  const other = await context.newPage();
  const origin = { origin: baseURL ?? '' };
  expect((await other.request.get(picture?.url ?? '')).status()).toBe(404);
  expect((await other.request.delete(picture?.url ?? '', { headers: origin })).status()).toBe(404);
  const listed = await other.request.get('/api/ai/artifacts');
  expect(JSON.stringify(await listed.json())).not.toContain(picture?.id);
  const start = { prompt: SENTENCE, artifact: picture?.id };
  const begun = await other.request.post('/api/ai/image-to-image', { data: start, headers: origin });
  expect(begun.status()).toBe(404);
  await other.goto(PAGES.artifacts);
  await expect(other.locator(`img[src*="${picture?.id}"]`)).toHaveCount(0);
  await context.close();

  const nobody = await browser.newContext({ baseURL, storageState: { cookies: [], origins: [] } });
  expect((await nobody.request.get(picture?.url ?? '')).status()).toBe(401);
  await nobody.close();
  expect((await page.request.get(picture?.url ?? '')).status(), 'it is still there for its owner').toBe(200);
});
