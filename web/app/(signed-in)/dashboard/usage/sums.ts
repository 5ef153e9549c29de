/** The month's rows, put together for the chart and the table. */

import type { UsageDay } from '@/lib/shapes';
import { daysOf } from './months';

export type By = 'service' | 'model';

/** A column of the chart: the day, and the requests of each name. */
export type Column = { day: string } & Record<string, number | string>;

/** One column a day of the month, and the names in them, the busiest first. */
export function columnsOf(month: string, rows: UsageDay[], by: By): { columns: Column[]; names: string[] } {
  const columns = new Map<string, Column>(daysOf(month).map((day) => [day, { day }]));
  const totals = new Map<string, number>();
  for (const row of rows) {
    const name = row[by];
    const column = columns.get(row.day);
    if (!column) continue;
    column[name] = Number(column[name] ?? 0) + row.requests;
    totals.set(name, (totals.get(name) ?? 0) + row.requests);
  }
  const names = [...totals].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  return { columns: [...columns.values()], names };
}

/** Of the whole month. */
export type Total = Omit<UsageDay, 'day'>;

/** One row for each service and model of the month, the busiest first. */
export function totalsOf(rows: UsageDay[]): Total[] {
  const totals = new Map<string, Total>();
  for (const { day: _, ...row } of rows) {
    const key = `${row.service} ${row.model}`;
    const sum = totals.get(key) ?? { ...row, requests: 0, failed: 0, units: 0, cost: 0 };
    sum.requests += row.requests;
    sum.failed += row.failed;
    sum.units += row.units;
    sum.cost += row.cost;
    totals.set(key, sum);
  }
  return [...totals.values()].sort((a, b) => b.requests - a.requests);
}
