// The Vercel AI SDK against a node; PENSTOCK_URL names it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, embedMany, generateText, streamText, tool } from 'ai';
import { z } from 'zod';

const provider = createOpenAICompatible({ name: 'penstock', baseURL: `${process.env.PENSTOCK_URL}/v1`, includeUsage: true });
const name = process.env.PENSTOCK_MODEL;
const model = provider(name);
const prompt = 'Tell me about rivers.';

test('generateText', async () => {
  const { text, usage, finishReason } = await generateText({ model, prompt, maxOutputTokens: 12 });
  assert.ok(text.length > 0);
  assert.equal(usage.outputTokens, 12);
  assert.equal(finishReason, 'length');
});

test('streamText joins to the same text', async () => {
  const whole = await generateText({ model, prompt, maxOutputTokens: 12 });
  const stream = streamText({ model, prompt, maxOutputTokens: 12 });
  let text = '';
  for await (const part of stream.textStream) text += part;
  assert.equal(text, whole.text);
  assert.equal((await stream.usage).outputTokens, 12);
});

test('tools', async () => {
  const { toolCalls } = await generateText({
    model, prompt, toolChoice: 'required',
    tools: { weather: tool({ description: 'The weather', inputSchema: z.object({ city: z.string() }) }) },
  });
  assert.equal(toolCalls[0].toolName, 'weather');
  assert.equal(typeof toolCalls[0].input.city, 'string');
});

test('embedMany', async () => {
  const { embeddings } = await embedMany({ model: provider.textEmbeddingModel(name), values: ['a', 'b', 'c'] });
  assert.equal(embeddings.length, 3);
});

test('errors', async () => {
  await assert.rejects(
    generateText({ model: provider('no-such-model'), prompt, maxRetries: 0 }),
    (error) => APICallError.isInstance(error) && error.statusCode === 404 && error.isRetryable === false);
});
