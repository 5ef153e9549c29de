/** GET: how every service is. */

import { health } from '@/lib/ai/gateway';
import { route } from '@/lib/route';

export const GET = route(async ({ options }) => health(options));
