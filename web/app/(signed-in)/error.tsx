'use client';

import { TriangleAlert } from 'lucide-react';
import { Button } from '@/components/ui/button';
import { Empty } from '@/components/ui/states';

/** When a page itself breaks: the frame stays, and it can be tried again. */
export default function PageError({ reset }: { error: Error; reset: () => void }) {
  return (
    <div role="alert">
      <Empty icon={TriangleAlert} title="This page broke">
        <p className="mb-4">
          Nothing that you made is lost. Try again; if it goes on, tell whoever runs Atelier.
        </p>
        <Button look="primary" onClick={reset}>
          Try again
        </Button>
      </Empty>
    </div>
  );
}
