/** The Vercel AI SDK and the gateway: the same round, by two of its providers. */

import { writeFile } from 'node:fs/promises';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateImage, generateSpeech, generateText, transcribe } from 'ai';

const where = { baseURL: `${process.env.AI_GATEWAY_URL}/v1`, apiKey: process.env.AI_GATEWAY_KEY };
const atelier = createOpenAICompatible({ name: 'atelier', ...where }); // pictures, and chats about them
const openai = createOpenAI(where); // speech and transcripts: the other one has none
const sentence = 'a small red circle on the left of a blue background';

const { image } = await generateImage({ model: atelier.imageModel('gpt-image-1'), prompt: sentence });
await writeFile('picture.png', image.uint8Array);

const { text } = await generateText({
  model: atelier('gpt-4o'),
  messages: [{ role: 'user', content: [{ type: 'file', mediaType: 'image/png', data: image.uint8Array }] }],
});
console.log('shows:', text);

const { audio } = await generateSpeech({ model: openai.speech('tts-1'), voice: 'nova', text: sentence });
await writeFile('sentence.mp3', audio.uint8Array);

const heard = await transcribe({ model: openai.transcription('whisper-1'), audio: audio.uint8Array });
console.log('heard:', heard.text);
