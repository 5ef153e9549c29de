/** GET: what there is for the one who asks, for pages to leave out the rest. */

import { features } from '@/lib/ai/gateway';
import { route } from '@/lib/route';

export const GET = route(async ({ caller }) => features(caller));
