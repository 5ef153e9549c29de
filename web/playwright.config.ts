/** The whole web app in a real Chromium, against a real `atelier serve` (e2e/rig/setup.ts starts both). */

import { defineConfig } from '@playwright/test';
import { CHROMIUM, FLAGS } from './e2e/rig/chromium.ts';

export default defineConfig({
  testDir: 'e2e',
  testMatch: process.env.SHOTS ? 'shots.ts' : '*.spec.ts',
  globalSetup: './e2e/rig/setup.ts',
  workers: 1,
  timeout: 120_000,
  expect: { timeout: 30_000 },
  forbidOnly: true,
  reporter: 'list',
  use: {
    baseURL: process.env.WEB_URL,
    locale: 'en-GB',
    timezoneId: 'UTC',
    actionTimeout: 30_000,
    trace: 'retain-on-failure',
    launchOptions: { executablePath: CHROMIUM, args: FLAGS },
  },
});
