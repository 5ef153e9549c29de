/** What a month came to, by service; and the days of one as a table for a spreadsheet. */

import type { UsageDay } from '@/lib/shapes';
import type { components } from './openapi';

export type UsageMonth = components['schemas']['UsageMonth'];

const COLUMNS = ['day', 'service', 'model', 'requests', 'failed', 'units', 'unit', 'cost'] as const;

/** https://www.rfc-editor.org/rfc/rfc4180 */
export function csv(days: UsageDay[]): string {
  const rows = days.map((day) => COLUMNS.map((column) => cell(day[column])));
  return [COLUMNS, ...rows].map((row) => `${row.join(',')}\r\n`).join('');
}

/** A text that a spreadsheet would take for a formula gets an apostrophe before it. */
function cell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
