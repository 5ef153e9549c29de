/** The kind of a sound file, which is also how its name ends. */

const KINDS: Record<string, string> = {
  'audio/mpeg': 'mp3',
  'audio/ogg': 'opus',
  'audio/x-wav': 'wav',
};

/** `audio/mpeg` → `mp3`. */
export const kindOf = (mediaType: string): string => KINDS[mediaType] ?? mediaType.replace(/^audio\//, '');

/** Where a recording is downloaded, under a name with its ending. */
export const downloadOf = (recording: { url: string; media_type: string }): string =>
  `${recording.url}?download=speech.${kindOf(recording.media_type)}`;
