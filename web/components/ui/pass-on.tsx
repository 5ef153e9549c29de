import { Download } from 'lucide-react';
import { buttonClass } from '@/components/ui/button';
import { CopyButton } from '@/components/ui/copy-button';

interface PassOnProps {
  /** Empty where it is kept nowhere: then it is here in the page alone, and has no link. */
  id: string;
  url: string;
  /** What the downloaded file is called; the app adds an ending where it has none. */
  name: string;
}

/** To download what was made, and to link to it. */
export function PassOn({ id, url, name }: PassOnProps) {
  const kept = id !== '';
  return (
    <>
      <a
        href={kept ? `${url}?download=${name}` : url}
        download={kept ? true : name}
        className={buttonClass({ size: 'small' })}
      >
        <Download aria-hidden className="size-4" /> Download
      </a>
      {kept && <CopyButton label="Copy link" text={() => new URL(url, window.location.href).href} />}
    </>
  );
}
