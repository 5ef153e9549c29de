/** The pages, in the order of the navigation. */

import {
  Activity,
  AudioLines,
  Brush,
  Gauge,
  House,
  ImagePlus,
  Images,
  type LucideIcon,
  MessageSquareText,
  ScanText,
} from 'lucide-react';
import type { Features, Service } from '@/lib/shapes';

export interface Place {
  /** Where this is missing, so is the page. */
  needs?: Service | 'artifacts' | 'usage';
  href: string;
  label: string;
  about: string;
  icon: LucideIcon;
}

export interface Group {
  label: string;
  places: Place[];
}

export const HOME: Place = { href: '/', label: 'Start', about: 'Where everything begins', icon: House };

const GROUPS: Group[] = [
  {
    label: 'Make',
    places: [
      {
        href: '/dashboard/marketing/social/create-image',
        needs: 'text-to-image',
        label: 'Create image',
        about: 'A picture from words, in the size that a network wants',
        icon: ImagePlus,
      },
      {
        href: '/dashboard/edit-image',
        needs: 'image-to-image',
        label: 'Edit image',
        about: 'A new picture from an old one, whole or in a painted part',
        icon: Brush,
      },
      {
        href: '/dashboard/speech',
        needs: 'text-to-speech',
        label: 'Speech',
        about: 'A text, spoken in a voice of your choice',
        icon: AudioLines,
      },
    ],
  },
  {
    label: 'Understand',
    places: [
      {
        href: '/dashboard/transcribe',
        needs: 'speech-to-text',
        label: 'Transcribe',
        about: 'What a recording says, with times, as text or subtitles',
        icon: MessageSquareText,
      },
      {
        href: '/dashboard/read-image',
        needs: 'image-to-text',
        label: 'Read image',
        about: 'What a picture shows, and every word that stands in it',
        icon: ScanText,
      },
    ],
  },
  {
    label: 'Look after',
    places: [
      {
        href: '/dashboard/artifacts',
        needs: 'artifacts',
        label: 'Artifacts',
        about: 'Everything that was made, in one place',
        icon: Images,
      },
      {
        href: '/dashboard/usage',
        needs: 'usage',
        label: 'Usage',
        about: 'What was used, and what is left of each limit',
        icon: Gauge,
      },
      { href: '/dashboard/status', label: 'Status', about: 'How each service is, right now', icon: Activity },
    ],
  },
];

/** The pages that there is something for. */
export function groupsFor({ services, artifacts, usage }: Features): Group[] {
  const there: Place['needs'][] = [undefined, ...services];
  if (artifacts) there.push('artifacts');
  if (usage) there.push('usage');
  return GROUPS.map((group) => ({
    ...group,
    places: group.places.filter((place) => there.includes(place.needs)),
  })).filter((group) => group.places.length > 0);
}
