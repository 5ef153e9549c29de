/** GET: the limits of the one who asks, and what is left of each. */

import { limits } from '@/lib/ai/gateway';
import { route } from '@/lib/route';

export const GET = route(async ({ caller, options }) => ({ limits: await limits(caller, options) }));
