import { expect, test } from 'vitest';
import { downloadOf, kindOf } from '@/app/(signed-in)/dashboard/speech/kinds';

test('every kind that can be asked for has its name', () => {
  const types = ['audio/mpeg', 'audio/wav', 'audio/flac', 'audio/ogg', 'audio/aac'];
  expect(types.map(kindOf)).toEqual(['mp3', 'wav', 'flac', 'opus', 'aac']);
});

test('a download is named with its ending', () => {
  expect(downloadOf({ url: '/api/ai/artifacts/a', media_type: 'audio/mpeg' })).toBe(
    '/api/ai/artifacts/a?download=speech.mp3',
  );
});
