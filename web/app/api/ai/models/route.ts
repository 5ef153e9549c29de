/** GET: the models that are ready. */

import { models } from '@/lib/ai/gateway';
import { route } from '@/lib/route';

export const GET = route(async ({ caller, options }) => ({ models: await models(caller, options) }));
