import type { Metadata } from 'next';
import { Speech } from './speech';

export const metadata: Metadata = { title: 'Speech' };

export default function SpeechPage() {
  return <Speech />;
}
