'use client';

import { Bar, BarChart, CartesianGrid, Legend, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import { day, title } from '@/lib/client/words';
import { HUES } from './hues';
import type { Column } from './sums';

interface ChartProps {
  columns: Column[];
  names: string[];
}

/** Requests a day, one column each, stacked by name; a table says the same to screen readers. */
export function Chart(props: ChartProps) {
  return (
    <>
      <Columns {...props} />
      <Days {...props} />
    </>
  );
}

function Days({ columns, names }: ChartProps) {
  const used = columns.filter((column) => names.some((name) => column[name]));
  return (
    <div className="sr-only">
      <table>
        <caption>Requests by day</caption>
        <tbody>
          {used.map((column) => (
            <tr key={column.day}>
              <th scope="row">{day(column.day)}</th>
              {names.map((name) => (
                <td key={name}>{column[name] ? `${title(name)}: ${column[name]}` : ''}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Columns({ columns, names }: ChartProps) {
  return (
    <div aria-hidden="true" className="h-72 text-sm">
      <ResponsiveContainer width="100%" height="100%">
        <BarChart
          data={columns}
          margin={{ left: -16, right: 4, top: 4, bottom: 0 }}
          accessibilityLayer={false}
        >
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis
            dataKey="day"
            tickFormatter={(value: string) => String(Number(value.slice(8)))}
            stroke="var(--soft)"
            tickLine={false}
            axisLine={{ stroke: 'var(--line)' }}
            minTickGap={12}
          />
          <YAxis allowDecimals={false} stroke="var(--soft)" tickLine={false} axisLine={false} />
          <Tooltip
            cursor={{ fill: 'var(--mat)' }}
            labelFormatter={(value) => day(String(value))}
            formatter={(value, name) => [value, title(String(name))]}
            contentStyle={{ background: 'var(--surface)', border: '1px solid var(--line)', borderRadius: 8 }}
            itemStyle={{ color: 'var(--ink)' }}
            isAnimationActive={false}
          />
          <Legend
            formatter={(name: string) => <span className="text-soft">{title(name)}</span>}
            iconType="circle"
            iconSize={9}
          />
          {names.map((name, index) => (
            <Bar
              key={name}
              dataKey={name}
              stackId="day"
              fill={HUES[index % HUES.length]}
              maxBarSize={28}
              isAnimationActive={false}
            />
          ))}
        </BarChart>
      </ResponsiveContainer>
    </div>
  );
}
