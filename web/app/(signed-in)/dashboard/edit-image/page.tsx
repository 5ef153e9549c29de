import type { Metadata } from 'next';
import { EditImage } from './edit-image';

export const metadata: Metadata = { title: 'Edit image' };

interface PageProps {
  searchParams: Promise<{ artifact?: string }>;
}

/** `artifact` in the address: the id of a picture of one's own. */
export default async function EditImagePage({ searchParams }: PageProps) {
  const { artifact } = await searchParams;
  return <EditImage artifact={artifact ? String(artifact) : null} />;
}
