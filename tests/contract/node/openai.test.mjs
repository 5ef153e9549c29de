// OpenAI's client for Node against a running gateway: every /v1 route, its options, its streams and its errors.
// The gateway's address and keys come by the environment: test_openai_node.py starts it and calls this.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import OpenAI, { toFile } from "openai";

const { ATELIER_URL, ATELIER_KEY, ATELIER_SMALL_KEY, ATELIER_HASTY_KEY, ATELIER_PICTURE, ATELIER_MASK } = process.env;
const baseURL = `${ATELIER_URL}/v1`;
const client = new OpenAI({ baseURL, apiKey: ATELIER_KEY, maxRetries: 0, timeout: 30_000 });

const SENTENCES = "One small step. And a giant leap.";
const SLOWLY = "as slowly as you can";
const PICTURE_URI = `data:image/png;base64,${ATELIER_PICTURE}`;
const SPOKEN = { model: "tts-1", voice: "nova", input: "one two three" };

const file = (base64, name, type) => toFile(Buffer.from(base64, "base64"), name, { type });
const picture = () => file(ATELIER_PICTURE, "room.png", "image/png");
const mask = () => file(ATELIER_MASK, "hole.png", "image/png");
const recording = () => toFile(Buffer.from("RIFF" + "\0".repeat(60)), "speech.wav", { type: "audio/wav" });
const about = (text) => [
  { role: "user", content: [{ type: "text", text }, { type: "image_url", image_url: { url: PICTURE_URI } }] },
];

const SIGNATURES = {
  png: (bytes) => bytes.subarray(1, 4).toString() === "PNG",
  jpeg: (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8,
  webp: (bytes) => bytes.subarray(8, 12).toString() === "WEBP",
  mp3: (bytes) => bytes.subarray(0, 3).toString() === "ID3" || bytes[0] === 0xff,
  wav: (bytes) => bytes.subarray(0, 4).toString() === "RIFF",
  opus: (bytes) => bytes.subarray(0, 4).toString() === "OggS",
  flac: (bytes) => bytes.subarray(0, 4).toString() === "fLaC",
  aac: (bytes) => bytes[0] === 0xff && (bytes[1] & 0xf0) === 0xf0,
  pcm: (bytes) => Math.abs(bytes.length / 2 / 24_000 - 0.3) < 0.02,
};

function assertPictures(answer, count, kind = "png") {
  assert.equal(answer.data.length, count);
  for (const { b64_json } of answer.data) assert.ok(SIGNATURES[kind](Buffer.from(b64_json, "base64")), kind);
}

async function all(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

/** The call fails with that class, for that field. */
function refused(call, type, param) {
  return assert.rejects(call, (problem) => {
    assert.ok(problem instanceof type, `${problem.constructor.name}: ${problem.message}`);
    if (param !== undefined) assert.equal(problem.param, param);
    return true;
  });
}

describe("images", () => {
  for (const kind of ["png", "jpeg", "webp"]) {
    it(`are generated as ${kind}`, async () => {
      const options = { model: "gpt-image-1", n: 2, output_format: kind, size: "512x512", quality: "high" };
      const answer = await client.images.generate({ prompt: "a square", ...options });
      assertPictures(answer, 2, kind);
      assert.equal(answer.output_format, kind);
      assert.equal(answer.usage.total_tokens, 7);
    });
  }

  it("are linked to", async () => {
    const { data } = await client.images.generate({ prompt: "a square", n: 2, response_format: "url" });
    for (const { url } of data) assert.equal((await fetch(url)).headers.get("content-type"), "image/png");
  });

  it("take null for a field that is left out", async () => {
    const nulls = { n: null, size: null, quality: null, model: null, response_format: null };
    assertPictures(await client.images.generate({ prompt: "a square", ...nulls }), 1);
  });

  it("are streamed with previews", async () => {
    const options = { n: 2, stream: true, partial_images: 2, num_inference_steps: 3 };
    const events = await all(await client.images.generate({ prompt: "a square", ...options }));
    const kinds = ["partial_image", "partial_image", "completed", "completed"];
    assert.deepEqual(events.map((event) => event.type), kinds.map((kind) => `image_generation.${kind}`));
    assert.deepEqual(events.slice(0, 2).map((event) => event.partial_image_index), [0, 1]);
    for (const event of events) assert.ok(SIGNATURES.png(Buffer.from(event.b64_json, "base64")));
  });

  it("are edited inside a mask", async () => {
    const masked = { image: await picture(), mask: await mask(), prompt: "a window" };
    assertPictures(await client.images.edit({ ...masked, n: 2 }), 2);
    assertPictures(await client.images.edit({ image: [await picture()], prompt: "a window" }), 1);
    const stream = await client.images.edit({ ...masked, stream: true });
    assert.deepEqual((await all(stream)).map((event) => event.type), ["image_edit.completed"]);
  });

  it("are varied", async () => {
    assertPictures(await client.images.createVariation({ image: await picture(), n: 3, size: "256x256" }), 3);
  });

  it("name the field that is refused", async () => {
    const generate = (more) => client.images.generate({ prompt: "a square", ...more });
    const edit = async (more) => client.images.edit({ image: await picture(), prompt: "a window", ...more });
    await refused(generate({ n: 9 }), OpenAI.BadRequestError, "n");
    await refused(generate({ size: "513x512" }), OpenAI.BadRequestError, "size");
    await refused(generate({ sise: "64x64" }), OpenAI.BadRequestError, "sise");
    await refused(generate({ background: "transparent" }), OpenAI.BadRequestError, "background");
    await refused(edit({ image: [await picture(), await picture()] }), OpenAI.BadRequestError, "image");
    await refused(edit({ image: await recording() }), OpenAI.BadRequestError, "image");
    await refused(edit({ strength: 2 }), OpenAI.BadRequestError, "strength");
  });
});

describe("speech", () => {
  for (const kind of ["mp3", "opus", "aac", "flac", "wav", "pcm"]) {
    it(`comes as ${kind}`, async () => {
      const answer = await client.audio.speech.create({ ...SPOKEN, response_format: kind });
      assert.ok(SIGNATURES[kind](Buffer.from(await answer.arrayBuffer())), kind);
    });
  }

  it("comes in chunks", async () => {
    const answer = await client.audio.speech.create({ ...SPOKEN, response_format: "wav" });
    assert.equal(answer.headers.get("content-length"), null);
    const chunks = await all(answer.body);
    assert.ok(SIGNATURES.wav(Buffer.concat(chunks)));
  });

  it("comes as events", async () => {
    const answer = await client.audio.speech.create({ ...SPOKEN, response_format: "pcm", stream_format: "sse" });
    const lines = (await answer.text()).split("\n").filter((line) => line.startsWith("data: "));
    const events = lines.map((line) => JSON.parse(line.slice("data: ".length)));
    const done = events.pop();
    assert.deepEqual(new Set(events.map((event) => event.type)), new Set(["speech.audio.delta"]));
    assert.ok(SIGNATURES.pcm(Buffer.concat(events.map((event) => Buffer.from(event.audio, "base64")))));
    assert.equal(done.type, "speech.audio.done");
  });

  it("names the field that is refused", async () => {
    await refused(client.audio.speech.create({ ...SPOKEN, speed: 9 }), OpenAI.BadRequestError, "speed");
    await refused(client.audio.speech.create({ ...SPOKEN, input: "" }), OpenAI.BadRequestError, "input");
    await refused(client.audio.speech.create({ ...SPOKEN, pitch: 2 }), OpenAI.BadRequestError, "pitch");
  });
});

for (const task of ["transcriptions", "translations"]) {
  describe(task, () => {
    const heard = async (more) => client.audio[task].create({ model: "whisper-1", file: await recording(), ...more });

    it("are json at first", async () => assert.equal((await heard({})).text, SENTENCES));

    it("are text, srt and vtt", async () => {
      assert.equal(await heard({ response_format: "text" }), `${SENTENCES}\n`);
      assert.match(await heard({ response_format: "srt" }), /^1\n00:00:00,000 --> 00:00:01,000\nOne small step\.\n/);
      assert.match(await heard({ response_format: "vtt" }), /^WEBVTT\n\n00:00:00\.000 --> 00:00:01\.000\n/);
    });

    it("are verbose", async () => {
      const verbose = await heard({ response_format: "verbose_json" });
      assert.deepEqual(verbose.segments.map(({ start, end }) => [start, end]), [[0, 1], [1, 2]]);
      assert.equal(verbose.language, "en");
    });

    it("name the field that is refused", async () => {
      await refused(heard({ temperature: 2 }), OpenAI.BadRequestError, "temperature");
      await refused(heard({ response_format: "docx" }), OpenAI.BadRequestError, "response_format");
      await refused(heard({ file: await picture() }), OpenAI.BadRequestError, "file");
    });
  });
}

describe("transcriptions alone", () => {
  const heard = async (more) =>
    client.audio.transcriptions.create({ model: "whisper-1", file: await recording(), ...more });

  it("have the times that are asked for", async () => {
    for (const [asked, segments, words] of [[["word"], 0, 7], [["segment"], 2, 0], [["word", "segment"], 2, 7]]) {
      const found = await heard({ response_format: "verbose_json", timestamp_granularities: asked });
      assert.deepEqual([found.segments?.length ?? 0, found.words?.length ?? 0], [segments, words]);
    }
    await refused(heard({ timestamp_granularities: ["word"] }), OpenAI.BadRequestError, "timestamp_granularities");
  });

  it("are streamed", async () => {
    const events = await all(await heard({ stream: true, language: "en", prompt: "names" }));
    assert.deepEqual(events.map((event) => event.type.split(".")[2]), ["delta", "delta", "done"]);
    assert.equal(events.at(-1).text, SENTENCES);
    assert.equal(events.slice(0, -1).map((event) => event.delta).join(""), SENTENCES);
  });
});

describe("chat", () => {
  const asked = { model: "gpt-4o", messages: about("What is it?") };
  const said = "What is it? a small square on a white page";

  it("answers about a picture", async () => {
    const answer = await client.chat.completions.create({ ...asked, temperature: null, metadata: { order: "118" } });
    assert.deepEqual([answer.choices[0].message.content, answer.choices[0].finish_reason], [said, "stop"]);
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  });

  it("answers in pieces", async () => {
    const options = { stream: true, stream_options: { include_usage: true } };
    const chunks = await all(await client.chat.completions.create({ ...asked, ...options }));
    const pieces = chunks.flatMap((chunk) => chunk.choices).map((choice) => choice.delta.content ?? "");
    assert.equal(pieces.join(""), said);
    assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
    assert.ok(chunks.at(-1).usage.total_tokens > 0);
  });

  it("is read by the client's own helper", async () => {
    const stream = client.chat.completions.stream(asked);
    assert.equal((await stream.finalChatCompletion()).choices[0].message.content, said);
  });

  it("raises what fails in the middle of a stream", async () => {
    const messages = about("Will you break half way?");
    await refused(all(await client.chat.completions.create({ ...asked, messages, stream: true })), OpenAI.APIError);
  });

  it("names the field that is refused", async () => {
    const ask = (more) => client.chat.completions.create({ ...asked, ...more });
    await refused(ask({ messages: [{ role: "user", content: "Hello" }] }), OpenAI.BadRequestError, "messages");
    await refused(ask({ n: 2 }), OpenAI.BadRequestError, "n");
    await refused(ask({ tools: [] }), OpenAI.BadRequestError, "tools");
  });
});

describe("models", () => {
  it("are listed and retrieved", async () => {
    const listed = await all(await client.models.list());
    assert.deepEqual(new Set(listed.map((model) => model.id)), new Set(["paint", "tones", "ears", "eyes"]));
    for (const model of listed) assert.deepEqual(await client.models.retrieve(model.id), model);
  });

  it("that are not there are not found", async () => {
    await refused(client.models.retrieve("another/model"), OpenAI.NotFoundError, "model");
    const asked = { prompt: "a square", model: "another/model" };
    await refused(client.images.generate(asked), OpenAI.NotFoundError, "model");
    await refused(client.embeddings.create({ model: "e", input: "x" }), OpenAI.NotFoundError);
  });
});

describe("pages", () => {
  it("are read, by a route that OpenAI does not have", async () => {
    const answer = await client.post("/ocr", { body: { image: PICTURE_URI } });
    assert.equal(answer.text, "INVOICE 118");
  });
});

describe("errors", () => {
  it("tell a wrong key", async () => {
    const stranger = new OpenAI({ baseURL, apiKey: "sk-wrong", maxRetries: 0 });
    await refused(stranger.images.generate({ prompt: "a square" }), OpenAI.AuthenticationError);
    await refused(stranger.images.edit({ image: await picture(), prompt: "a square" }), OpenAI.AuthenticationError);
    await refused(stranger.models.list(), OpenAI.AuthenticationError);
  });

  it("tell a body that is too large", async () => {
    const image = await toFile(Buffer.alloc(30_000_000), "large.png");
    await assert.rejects(client.images.edit({ image, prompt: "a window" }), { status: 413, code: "too_large" });
  });

  it("tell a limit that is used up", async () => {
    const small = new OpenAI({ baseURL, apiKey: ATELIER_SMALL_KEY, maxRetries: 0 });
    await small.images.generate({ prompt: "a square" });
    await assert.rejects(small.images.generate({ prompt: "a square" }), (problem) => {
      assert.ok(problem instanceof OpenAI.RateLimitError);
      assert.ok(Number(problem.headers.get("retry-after")) > 3500);
      return true;
    });
  });

  it("are retried when Retry-After says so", async () => {
    const statuses = [];
    const counted = async (...request) => {
      const answer = await fetch(...request);
      statuses.push(answer.status);
      return answer;
    };
    const hasty = new OpenAI({ baseURL, apiKey: ATELIER_HASTY_KEY, maxRetries: 2, fetch: counted });
    let begun = 0;
    for (let turn = 0; turn < 20 && statuses.length !== 2; turn++) { // a busy machine may take longer than the second
      await hasty.images.generate({ prompt: "a square" });
      statuses.length = 0;
      begun = performance.now();
      assertPictures(await hasty.images.generate({ prompt: "a square" }), 1);
    }
    assert.deepEqual(statuses, [429, 200]);
    assert.ok(performance.now() - begun >= 900, "left to itself the client waits for half a second, and in vain");
  });

  it("tell an answer that takes too long", async () => {
    const slow = client.images.generate({ prompt: SLOWLY, num_inference_steps: 150 }, { timeout: 300 });
    await refused(slow, OpenAI.APIConnectionTimeoutError);
  });

  it("tell a fault of the service", async () => {
    await refused(client.images.generate({ prompt: "break the engine" }), OpenAI.InternalServerError);
  });
});

describe("headers", () => {
  it("name the request and the limits", async () => {
    const { data, response } = await client.images.generate({ prompt: "a square" }).withResponse();
    assert.equal(data._request_id, response.headers.get("x-request-id"));
    assert.equal(response.headers.get("x-ratelimit-limit-requests"), "100000");
    assert.ok(Number(response.headers.get("x-ratelimit-remaining-requests")) > 0);
    assert.match(response.headers.get("x-ratelimit-reset-requests"), /s$/);
  });
});
