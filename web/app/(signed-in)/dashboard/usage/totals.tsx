import { fine, plural, title, whole } from '@/lib/client/words';
import type { Total } from './sums';

const sum = (totals: Total[], of: (total: Total) => number) =>
  totals.reduce((all, total) => all + of(total), 0);

/** The month in three numbers. */
export function Tiles({ totals }: { totals: Total[] }) {
  const requests = sum(totals, (total) => total.requests);
  const failed = sum(totals, (total) => total.failed);
  const tiles = [
    { label: 'Requests', value: whole(requests) },
    { label: 'Failed, and not charged', value: whole(failed) },
    { label: 'Cost', value: cost(sum(totals, (total) => total.cost)) },
  ];
  return (
    <dl className="grid grid-cols-2 gap-3 sm:grid-cols-3">
      {tiles.map((tile) => (
        <div key={tile.label} className="grid gap-1 rounded-xl border bg-surface p-4">
          <dt className="text-sm text-soft">{tile.label}</dt>
          <dd className="text-2xl font-semibold tracking-tight tabular-nums">{tile.value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A row for each service and model. On a narrow screen the table scrolls by itself. */
export function Totals({ totals }: { totals: Total[] }) {
  return (
    <section
      aria-label="By service and model"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reached by keyboard
      tabIndex={0}
      className="overflow-x-auto rounded-xl border bg-surface"
    >
      <table className="w-full min-w-[36rem] text-left text-[0.9375rem] tabular-nums">
        <thead className="text-sm text-soft">
          <tr className="border-b *:px-4 *:py-3 *:font-medium">
            <th scope="col">Service</th>
            <th scope="col">Model</th>
            <th scope="col" className="text-right">
              Requests
            </th>
            <th scope="col" className="text-right">
              Used
            </th>
            <th scope="col" className="text-right">
              Cost
            </th>
          </tr>
        </thead>
        <tbody>
          {totals.map((total) => (
            <tr key={`${total.service} ${total.model}`} className="border-b last:border-0 *:px-4 *:py-3">
              <th scope="row" className="font-medium">
                {title(total.service)}
              </th>
              <td className="text-soft">{total.model || '–'}</td>
              <td className="text-right">{whole(total.requests)}</td>
              <td className="text-right whitespace-nowrap">{used(total)}</td>
              <td className="text-right">{cost(total.cost)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const used = ({ units, unit }: Total) =>
  unit === 'images' ? plural(Math.round(units), 'image') : `${fine(units)} ${title(unit).toLowerCase()}`;

const cost = (value: number) =>
  value === 0 ? '–' : value.toLocaleString('en', { maximumFractionDigits: 4 });
