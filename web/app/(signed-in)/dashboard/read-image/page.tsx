import type { Metadata } from 'next';
import { ReadImage } from './read-image';

export const metadata: Metadata = { title: 'Read image' };

interface PageProps {
  searchParams: Promise<{ artifact?: string }>;
}

/** `artifact` in the address: the id of a picture of one's own. */
export default async function ReadImagePage({ searchParams }: PageProps) {
  const { artifact } = await searchParams;
  return <ReadImage artifact={artifact ? String(artifact) : null} />;
}
