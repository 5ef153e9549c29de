/** OpenAI's own client and the gateway: a picture, what it shows, and a sentence spoken and written down again. */

import { writeFile } from 'node:fs/promises';
import OpenAI, { toFile } from 'openai';

const client = new OpenAI({
  baseURL: `${process.env.AI_GATEWAY_URL}/v1`,
  apiKey: process.env.AI_GATEWAY_KEY,
});
const sentence = 'a small red circle on the left of a blue background';

const { data } = await client.images.generate({ model: 'gpt-image-1', prompt: sentence });
const picture = data?.[0]?.b64_json ?? '';
await writeFile('picture.png', Buffer.from(picture, 'base64'));

const chat = await client.chat.completions.create({
  model: 'gpt-4o',
  messages: [
    {
      role: 'user',
      content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${picture}` } }],
    },
  ],
});
console.log('shows:', chat.choices[0]?.message.content);

const spoken = await client.audio.speech.create({ model: 'tts-1', voice: 'nova', input: sentence });
const recording = Buffer.from(await spoken.arrayBuffer());
await writeFile('sentence.mp3', recording);

const file = await toFile(recording, 'sentence.mp3', { type: 'audio/mpeg' });
const heard = await client.audio.transcriptions.create({ model: 'whisper-1', file });
console.log('heard:', heard.text);
