'use client';

import { clsx } from 'clsx';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { groupsFor, HOME, type Place } from '@/components/shell/places';
import { useFeatures } from '@/lib/client/features';

/** Every page, by what it is for. `onGo` closes a drawer. */
export function Navigation({ onGo }: { onGo?: () => void }) {
  const groups = groupsFor(useFeatures());
  return (
    <nav aria-label="Pages" className="grid content-start gap-5">
      <ul>
        <Stop place={HOME} onGo={onGo} />
      </ul>
      {groups.map((group) => (
        <div key={group.label} className="grid gap-1">
          <h2 id={`pages-${group.label}`} className="px-3 text-xs font-medium tracking-wide text-soft">
            {group.label}
          </h2>
          <ul aria-labelledby={`pages-${group.label}`} className="grid gap-0.5">
            {group.places.map((place) => (
              <Stop key={place.href} place={place} onGo={onGo} />
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}

function Stop({ place, onGo }: { place: Place; onGo?: () => void }) {
  const here = usePathname() === place.href;
  const Icon = place.icon;
  return (
    <li>
      <Link
        href={place.href}
        onClick={onGo}
        aria-current={here ? 'page' : undefined}
        className={clsx(
          'flex min-h-10 items-center gap-3 rounded-md px-3 text-[0.9375rem] transition-colors',
          here ? 'bg-accent-wash font-medium text-accent-deep' : 'text-soft hover:bg-mat hover:text-ink',
        )}
      >
        <Icon aria-hidden className="size-[1.15rem]" strokeWidth={1.75} />
        {place.label}
      </Link>
    </li>
  );
}
