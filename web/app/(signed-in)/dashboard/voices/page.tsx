import type { Metadata } from 'next';
import { session } from '@/lib/session';
import { Voices } from './voices';

export const metadata: Metadata = { title: 'Your voices' };

export default async function VoicesPage() {
  return <Voices tenant={(await session())?.tenant ?? ''} />;
}
