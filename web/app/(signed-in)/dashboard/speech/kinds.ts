/** The kind of a sound file, which is also how its name ends. */

const KINDS: Record<string, string> = {
  'audio/mpeg': 'mp3',
  'audio/ogg': 'opus',
  'audio/x-wav': 'wav',
};

/** `audio/mpeg` → `mp3`. */
export const kindOf = (mediaType: string): string => KINDS[mediaType] ?? mediaType.replace(/^audio\//, '');

/** What a downloaded recording is called. */
export const fileOf = (recording: { media_type: string }): string => `speech.${kindOf(recording.media_type)}`;

/** Where a recording is downloaded. */
export const downloadOf = (recording: { url: string; media_type: string }): string =>
  `${recording.url}?download=${fileOf(recording)}`;
