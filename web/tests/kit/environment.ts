/** Every test asks the real gateway, unless it says otherwise; nothing of the developer's own environment counts. */

import { beforeEach, inject, vi } from 'vitest';

const OURS = /^(AI_|USE_AI_|JWT_|SESSION_|ATELIER_WEB_)/;

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (OURS.test(name)) vi.stubEnv(name, undefined);
  vi.stubEnv('AI_GATEWAY_URL', inject('gateway').url);
  vi.stubEnv('JWT_SECRET', inject('gateway').secret);
});
