import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: {
      '@': here('.'),
      'server-only': here('./tests/kit/server-only.ts'),
      'next/headers': here('./tests/kit/next-headers.ts'),
    },
  },
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/kit/gateway-process.ts'],
    setupFiles: ['tests/kit/environment.ts'],
    unstubEnvs: true,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
