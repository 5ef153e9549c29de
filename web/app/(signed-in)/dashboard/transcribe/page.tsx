import type { Metadata } from 'next';
import { Transcribe } from './transcribe';

export const metadata: Metadata = { title: 'Transcribe' };

export default function TranscribePage() {
  return <Transcribe />;
}
