/** A tenant's own voices, at Atelier's gateway. */

import 'server-only';
import type { Model, OwnVoice, OwnVoices } from '@/lib/shapes';
import { ask, post } from './asking';
import type { Backend } from './backend';
import { json } from './call';
import type { Caller, Options } from './caller';
import { Forbidden, Unavailable } from './errors';
import type { components } from './openapi';

type Schemas = components['schemas'];

export const voices: Pick<Backend, 'ownVoices' | 'addVoice' | 'voiceRecording' | 'deleteVoice'> = {
  async ownVoices(caller, options) {
    const { voices: found, most } = await json<Schemas['VoiceList']>(
      await ask(caller, '/api/voices', options),
    );
    return { voices: found.map(ownVoice), most } satisfies OwnVoices;
  },

  async addVoice(caller, form, options) {
    return ownVoice(await json<Schemas['VoiceEntry']>(await post(caller, 'voices', form, options)));
  },

  async voiceRecording(caller, id, options) {
    return ask(caller, `/api/voices/${encodeURIComponent(id)}/recording`, options, { streamed: true });
  },

  async deleteVoice(caller, id, options) {
    await ask(caller, `/api/voices/${encodeURIComponent(id)}`, options, { method: 'DELETE' });
  },
};

/** None where they cannot be read: there are others to choose from. */
export async function voicesToChoose(
  caller: Caller,
  options: Options,
): Promise<NonNullable<Model['voices']>> {
  try {
    const { voices: own } = await voices.ownVoices(caller, options);
    return own.map(({ id, name, language }) => ({ id, name, language: language ?? undefined }));
  } catch (problem) {
    if (problem instanceof Forbidden || problem instanceof Unavailable) return [];
    throw problem;
  }
}

function ownVoice({ id, name, language, seconds, consent, created_at }: Schemas['VoiceEntry']): OwnVoice {
  return { id, name, language, seconds, consent, created_at };
}
