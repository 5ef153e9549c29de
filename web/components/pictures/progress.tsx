import { Spoken } from '@/components/ui/states';
import { Steps } from '@/components/ui/steps';
import type { Preview } from '@/lib/client/pictures';

/** How far a picture is, below it. children: the same for screen readers, once. */
export function Progress({ preview, children }: { preview: Preview | null; children: string }) {
  return (
    <>
      <Steps step={preview?.step ?? 0} steps={preview?.steps ?? 0} />
      <figcaption className="text-sm text-soft">
        {preview ? `Step ${preview.step} of ${preview.steps}` : 'The request is on its way'}
      </figcaption>
      <Spoken>{children}</Spoken>
    </>
  );
}
