/** Where Prisma finds the tables. Atelier's own migrations make them: nothing here migrates. */

import { defineConfig } from 'prisma/config';

export default defineConfig({ schema: 'prisma/schema.prisma' });
