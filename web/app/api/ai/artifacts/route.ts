/** GET ?after&service&limit: the tenant's files, the newest first. */

import { artifacts } from '@/lib/ai/gateway';
import { ArtifactQuery } from '@/lib/ai/input';
import { checked } from '@/lib/bodies';
import { route } from '@/lib/route';

export const GET = route(async ({ caller, query, options }) =>
  artifacts(caller, checked(ArtifactQuery, query), options),
);
