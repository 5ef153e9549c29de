import { type LucideIcon, Square } from 'lucide-react';
import { Button } from '@/components/ui/button';

interface GoButtonProps {
  icon: LucideIcon;
  label: string;
  /** Whether there is enough to begin with. */
  ready: boolean;
  working: boolean;
  onCancel: () => void;
}

/**
 * Begins the work of its form, and cancels it while it goes on.
 * It stays one element, so that the focus stays; without preventDefault the click that cancels would submit again.
 */
export function GoButton({ icon: Icon, label, ready, working, onCancel }: GoButtonProps) {
  return working ? (
    <Button
      className="w-full"
      onClick={(event) => {
        event.preventDefault();
        if (event.detail < 2) onCancel(); // the second half of a double click was not meant to cancel
      }}
    >
      <Square aria-hidden className="size-4" /> Cancel
    </Button>
  ) : (
    <Button type="submit" look="primary" className="w-full" disabled={!ready}>
      <Icon aria-hidden className="size-4" /> {label}
    </Button>
  );
}
