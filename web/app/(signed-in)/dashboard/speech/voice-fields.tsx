import Link from 'next/link';
import { Combobox } from '@/components/ui/combobox';
import { Field } from '@/components/ui/field';
import { errorAt, type Refused } from '@/lib/client/ask';
import { useFeatures } from '@/lib/client/features';
import { plural } from '@/lib/client/words';
import type { Model } from '@/lib/shapes';
import type { Draft } from './draft';
import { languageOptions, voiceOptions } from './voices';

interface VoiceFieldsProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  failure: Refused | null;
  model: Model | undefined;
}

/** Who speaks. */
export function VoiceFields({ draft, change, failure, model }: VoiceFieldsProps) {
  const languages = languageOptions(model);
  const voices = voiceOptions(model, draft.language);
  return (
    <>
      <Field
        label="Language"
        error={errorAt(failure, 'language')}
        hint={
          languages.length > 20 ? `${plural(languages.length - 1, 'language')}: type to find one.` : undefined
        }
      >
        {(control) => (
          <Combobox
            {...control}
            options={languages}
            value={draft.language}
            onChange={(language) => change({ language })}
          />
        )}
      </Field>
      <Field
        label="Voice"
        error={errorAt(failure, 'voice')}
        hint={
          useFeatures().voices && (
            <Link href="/dashboard/voices" className="text-accent underline underline-offset-4">
              Your own voices
            </Link>
          )
        }
      >
        {(control) => (
          <Combobox
            {...control}
            options={voices}
            value={draft.voice}
            onChange={(voice) => change({ voice })}
          />
        )}
      </Field>
    </>
  );
}
