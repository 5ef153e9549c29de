/** The outline of a recording, for drawing it. */

const RATE = 8000;
/** Larger ones take too much memory to decode: an hour of sound is a hundred megabytes of samples. */
const MOST_BYTES = 30_000_000;

/** `peaks`: how loud it is, 0 to 1 of its loudest, in even parts. `duration`: seconds. */
export interface Outline {
  peaks: number[];
  duration: number;
}

/** Raises where the browser cannot decode the file. */
export async function outlineOf(file: Blob, count: number): Promise<Outline> {
  if (file.size > MOST_BYTES) throw new Error('too large to be drawn');
  const decoder = new OfflineAudioContext(1, 1, RATE);
  const sound = await decoder.decodeAudioData(await file.arrayBuffer());
  return { peaks: loudest(sound.getChannelData(0), count), duration: sound.duration };
}

/** The greatest sample of each of `count` parts, the greatest of all being 1. */
export function loudest(samples: Float32Array, count: number): number[] {
  const part = samples.length / count;
  const peaks = Array.from({ length: count }, (_, index) => {
    let most = 0;
    const end = Math.min(samples.length, Math.ceil((index + 1) * part));
    for (let at = Math.floor(index * part); at < end; at++) most = Math.max(most, Math.abs(samples[at] ?? 0));
    return most;
  });
  const top = Math.max(...peaks);
  return top > 0 ? peaks.map((peak) => peak / top) : peaks;
}

/** As many peaks as there is room for: neighbours become the greater of them. */
export function fewer(peaks: readonly number[], count: number): number[] {
  if (count >= peaks.length) return [...peaks];
  const part = peaks.length / count;
  return Array.from({ length: count }, (_, index) =>
    Math.max(...peaks.slice(Math.floor(index * part), Math.max(Math.ceil((index + 1) * part), 1))),
  );
}
