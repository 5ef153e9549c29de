import type { Metadata } from 'next';
import { CreateImage } from './create-image';

export const metadata: Metadata = { title: 'Create image' };

interface PageProps {
  searchParams: Promise<{ prompt?: string; start?: string }>;
}

/** `prompt` and `start` (the id of a picture of one's own) can be given in the address. */
export default async function CreateImagePage({ searchParams }: PageProps) {
  const { prompt, start } = await searchParams;
  return <CreateImage prompt={String(prompt ?? '')} start={start ? String(start) : null} />;
}
