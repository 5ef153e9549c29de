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

export interface Place {
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

export const GROUPS: Group[] = [
  {
    label: 'Make',
    places: [
      {
        href: '/dashboard/marketing/social/create-image',
        label: 'Create image',
        about: 'A picture from words, in the size that a network wants',
        icon: ImagePlus,
      },
      {
        href: '/dashboard/edit-image',
        label: 'Edit image',
        about: 'A new picture from an old one, whole or in a painted part',
        icon: Brush,
      },
      {
        href: '/dashboard/speech',
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
        label: 'Transcribe',
        about: 'What a recording says, with times, as text or subtitles',
        icon: MessageSquareText,
      },
      {
        href: '/dashboard/read-image',
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
        label: 'Artifacts',
        about: 'Everything that was made, in one place',
        icon: Images,
      },
      {
        href: '/dashboard/usage',
        label: 'Usage',
        about: 'What was used, and what is left of each limit',
        icon: Gauge,
      },
      { href: '/dashboard/status', label: 'Status', about: 'How each service is, right now', icon: Activity },
    ],
  },
];
