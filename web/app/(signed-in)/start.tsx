'use client';

import Link from 'next/link';
import { HealthLine } from '@/components/health/health-line';
import { groupsFor, type Place } from '@/components/shell/places';
import { useFeatures } from '@/lib/client/features';
import { Lately } from './lately';

/** Where one begins: what can be done, how everything is, and what was made lately. */
export function Start() {
  const features = useFeatures();
  return (
    <div className="grid gap-12">
      <header className="grid gap-3">
        <h1 className="text-[clamp(1.9rem,1.4rem+2vw,2.75rem)]">What shall it be?</h1>
        <HealthLine />
      </header>
      {groupsFor(features).map((group) => (
        <section key={group.label} aria-labelledby={`start-${group.label}`} className="grid gap-4">
          <h2 id={`start-${group.label}`}>{group.label}</h2>
          <ul className="grid gap-3 sm:grid-cols-2 lg:grid-cols-3">
            {group.places.map((place) => (
              <Card key={place.href} place={place} />
            ))}
          </ul>
        </section>
      ))}
      {features.artifacts && <Lately />}
    </div>
  );
}

function Card({ place }: { place: Place }) {
  const Icon = place.icon;
  return (
    <li>
      <Link
        href={place.href}
        className="group grid h-full grid-cols-[auto_1fr] content-start items-start gap-x-4 gap-y-1 rounded-xl border bg-surface p-4 transition-shadow hover:border-edge hover:shadow-card"
      >
        <span className="row-span-2 grid size-11 place-items-center rounded-lg bg-accent-wash text-accent-deep">
          <Icon aria-hidden className="size-5" strokeWidth={1.75} />
        </span>
        <span className="font-semibold">{place.label}</span>
        <span className="text-[0.9375rem] text-pretty text-soft">{place.about}</span>
      </Link>
    </li>
  );
}
