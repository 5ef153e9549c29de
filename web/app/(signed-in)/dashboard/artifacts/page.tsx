import type { Metadata } from 'next';
import { PageHead } from '@/components/ui/panel';
import { Gallery } from './gallery';

export const metadata: Metadata = { title: 'Artifacts' };

export default function ArtifactsPage() {
  return (
    <>
      <PageHead title="Artifacts">
        Every picture and recording that was made here. They are yours alone: a link works only for those who
        are signed in.
      </PageHead>
      <Gallery />
    </>
  );
}
