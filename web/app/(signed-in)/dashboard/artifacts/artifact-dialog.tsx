'use client';

import { Brush, Trash2, X } from 'lucide-react';
import Link from 'next/link';
import { Dialog } from 'radix-ui';
import { useEffect, useState } from 'react';
import { kindOf } from '@/components/artifacts/thumb';
import { Button, buttonClass } from '@/components/ui/button';
import { Mat } from '@/components/ui/mat';
import { Notice } from '@/components/ui/notice';
import { PassOn } from '@/components/ui/pass-on';
import type { Refused } from '@/lib/client/ask';
import { useFeatures } from '@/lib/client/features';
import { promptOf } from '@/lib/client/prompts';
import { moment, size, title } from '@/lib/client/words';
import type { Artifact } from '@/lib/shapes';

interface ArtifactDialogProps {
  artifact: Artifact | null;
  onClose: () => void;
  /** Raises Refused. */
  onDelete: (artifact: Artifact) => Promise<void>;
}

export function ArtifactDialog({ artifact, onClose, onDelete }: ArtifactDialogProps) {
  return (
    <Dialog.Root open={artifact !== null} onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-20 bg-black/50" />
        <Dialog.Content
          aria-describedby={undefined}
          className="fixed inset-x-3 top-1/2 z-30 mx-auto grid max-h-[92dvh] max-w-3xl -translate-y-1/2 gap-4 overflow-y-auto rounded-xl border bg-surface p-4 shadow-card sm:p-6"
        >
          {artifact && <Shown key={artifact.id} artifact={artifact} onDelete={onDelete} />}
          <Dialog.Close
            aria-label="Close"
            className={buttonClass(
              { look: 'quiet', size: 'icon' },
              'absolute top-2 right-2 sm:top-4 sm:right-4',
            )}
          >
            <X aria-hidden className="size-5" />
          </Dialog.Close>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Shown({ artifact, onDelete }: { artifact: Artifact } & Pick<ArtifactDialogProps, 'onDelete'>) {
  const kind = kindOf(artifact).name;
  const prompt = promptOf(artifact.id);
  return (
    <>
      <Dialog.Title className="pr-12 text-lg font-semibold">{prompt ?? kind}</Dialog.Title>
      {kind === 'Picture' ? (
        <Mat>
          <img src={artifact.url} alt={prompt ?? kind} className="max-h-[52vh] max-w-full shadow-card" />
        </Mat>
      ) : (
        // biome-ignore lint/a11y/useMediaCaption: a recording that was made from a text; it has no subtitles
        <audio controls src={artifact.url} className="w-full" />
      )}
      <p className="text-sm text-soft">
        {[
          moment(artifact.created_at),
          size(artifact.bytes),
          artifact.media_type,
          artifact.service && title(artifact.service),
        ]
          .filter(Boolean)
          .join(' · ')}
        {artifact.expires_at && `. Kept until ${moment(artifact.expires_at)}.`}
      </p>
      <div className="flex flex-wrap gap-2">
        <PassOn id={artifact.id} url={artifact.url} name={kind.toLowerCase()} />
        {kind === 'Picture' && (
          <Link
            href={`/dashboard/edit-image?artifact=${artifact.id}`}
            className={buttonClass({ size: 'small' })}
          >
            <Brush aria-hidden className="size-4" /> Edit
          </Link>
        )}
        {useFeatures().deleting && <DeleteButton onDelete={() => onDelete(artifact)} />}
      </div>
    </>
  );
}

/** Asks once more before anything is gone. */
function DeleteButton({ onDelete }: { onDelete: () => Promise<void> }) {
  const [asked, setAsked] = useState(false);
  const [failure, setFailure] = useState<Refused | null>(null);
  useEffect(() => {
    if (!asked) return;
    const timer = setTimeout(() => setAsked(false), 6000);
    return () => clearTimeout(timer);
  }, [asked]);
  const press = () => {
    if (!asked) return setAsked(true);
    onDelete().catch((refused: Refused) => setFailure(refused));
  };
  return (
    <>
      <Button size="small" look="danger" onClick={press}>
        <Trash2 aria-hidden className="size-4" />
        <span aria-live="polite">{asked ? 'Delete for good?' : 'Delete'}</span>
      </Button>
      {failure && <Notice failure={failure} />}
    </>
  );
}
