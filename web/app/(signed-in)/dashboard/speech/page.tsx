import type { Metadata } from 'next';
import { Speech } from './speech';

export const metadata: Metadata = { title: 'Speech' };

interface PageProps {
  searchParams: Promise<{ voice?: string; model?: string }>;
}

/** `voice` and `model` in the address: who is to speak. */
export default async function SpeechPage({ searchParams }: PageProps) {
  const { voice, model } = await searchParams;
  return <Speech voice={String(voice ?? '')} model={String(model ?? '')} />;
}
