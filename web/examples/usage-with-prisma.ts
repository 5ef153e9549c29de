/** What a tenant used this month, by service: the rows that Atelier writes, read by Prisma. */

import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '../prisma/generated/client.ts';

const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL }) });

/** From midnight UTC of the month's first day on: that is where the gateway's own months begin. */
export async function usageOfMonth(tenantId: string, now = new Date()) {
  const from = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
  return prisma.aIUsage.groupBy({
    by: ['service', 'unit'],
    where: { tenantId, createdAt: { gte: from } },
    _count: { _all: true },
    _sum: { units: true, tokens: true, cost: true },
    orderBy: { service: 'asc' },
  });
}

for (const { service, unit, _count, _sum } of await usageOfMonth(process.env.TENANT ?? 'demo')) {
  console.log(`${service}: ${_count._all} requests, ${_sum.units} ${unit}, ${_sum.cost}`);
}
await prisma.$disconnect();
