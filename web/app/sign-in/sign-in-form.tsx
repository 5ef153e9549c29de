'use client';

import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { Choice } from '@/components/ui/choice';
import { Field } from '@/components/ui/field';
import { Notice } from '@/components/ui/notice';
import { ask, posted } from '@/lib/client/ask';
import { useWork } from '@/lib/client/work';

type Way = 'api_key' | 'tenant';

const WAYS = [
  { value: 'tenant', label: 'Tenant name' },
  { value: 'api_key', label: 'API key' },
] as const;

/** With an API key; where the app runs for development also with a tenant's name alone. next: the page that follows. */
export function SignInForm({ demo, next }: { demo: boolean; next: string }) {
  const [way, setWay] = useState<Way>(demo ? 'tenant' : 'api_key');
  const [given, setGiven] = useState('');
  const { state, begin } = useWork<void>();
  const failure = state.is === 'failed' ? state.failure : null;
  const aboutField = failure !== null && (failure.status === 401 || failure.field !== undefined);

  const signIn = () =>
    begin(async (going) => {
      await ask('/api/session', posted({ [way]: given.trim() }, going));
      window.location.assign(next);
    });

  return (
    <form
      className="grid gap-5 rounded-xl border bg-surface p-5 shadow-card"
      onSubmit={(event) => {
        event.preventDefault();
        void signIn();
      }}
    >
      {demo && <Choice legend="How" quiet value={way} options={WAYS} onChange={setWay} />}
      <Field
        label={way === 'tenant' ? 'Tenant name' : 'API key'}
        hint={
          way === 'tenant'
            ? 'Only while the app runs for development.'
            : 'Made with: atelier keys create --tenant …'
        }
        error={aboutField ? failure.error : undefined}
      >
        {(control) => (
          <input
            {...control}
            key={way}
            className="entry"
            type={way === 'tenant' ? 'text' : 'password'}
            name={way}
            autoComplete={way === 'tenant' ? 'organization' : 'current-password'}
            spellCheck={false}
            required
            value={given}
            onChange={(event) => setGiven(event.target.value)}
          />
        )}
      </Field>
      {failure && !aboutField && <Notice failure={failure} />}
      <Button type="submit" look="primary" disabled={state.is === 'working' || given.trim() === ''}>
        {state.is === 'working' ? 'Signing in …' : 'Sign in'}
      </Button>
    </form>
  );
}
