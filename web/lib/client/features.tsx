'use client';

/** What there is for the one who is signed in: pages leave out the rest. */

import { createContext, type ReactNode, useContext } from 'react';
import type { Features } from '@/lib/shapes';

const ALL: Features = {
  services: ['text-to-image', 'text-to-speech', 'speech-to-text', 'image-to-image', 'image-to-text'],
  artifacts: true,
  deleting: true,
  usage: true,
  limits: true,
  voices: true,
  previews: true,
};

const Known = createContext(ALL);

/** Without it around them, pages show all that they can. */
export function FeaturesProvider({ features, children }: { features: Features | null; children: ReactNode }) {
  return <Known value={features ?? ALL}>{children}</Known>;
}

export const useFeatures = (): Features => useContext(Known);
