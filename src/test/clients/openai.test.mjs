// The official OpenAI client against a node; PENSTOCK_URL names it, PENSTOCK_SIM one of its engines.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';

const url = process.env.PENSTOCK_URL;
const model = process.env.PENSTOCK_MODEL;
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
const messages = [{ role: 'user', content: 'Tell me about rivers.' }];

test('a completion in one piece', async () => {
  const answer = await client.chat.completions.create({ model, messages, max_tokens: 16 });
  assert.ok(answer.choices[0].message.content.length > 0);
  assert.equal(answer.usage.completion_tokens, 16);
});

test('a stream joins to the same text and carries no usage that was not asked for', async () => {
  const whole = await client.chat.completions.create({ model, messages, max_tokens: 16 });
  let text = '';
  let finish;
  const stream = await client.chat.completions.create({ model, messages, max_tokens: 16, stream: true });
  for await (const chunk of stream) {
    assert.equal(chunk.usage ?? null, null);
    assert.ok(chunk.choices.length > 0);
    text += chunk.choices[0].delta.content ?? '';
    finish = chunk.choices[0].finish_reason ?? finish;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(finish, 'length');
});

test('usage on a stream when it was asked for', async () => {
  const stream = await client.chat.completions.create({
    model, messages, max_tokens: 8, stream: true, stream_options: { include_usage: true },
  });
  let usage;
  for await (const chunk of stream) usage = chunk.usage ?? usage;
  assert.equal(usage.completion_tokens, 8);
});

test('a tool call', async () => {
  const tools = [{
    type: 'function',
    function: {
      name: 'weather',
      description: 'The weather in a city',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  }];
  const answer = await client.chat.completions.create({ model, messages, tools, tool_choice: 'required' });
  const call = answer.choices[0].message.tool_calls[0];
  assert.equal(call.function.name, 'weather');
  assert.equal(typeof JSON.parse(call.function.arguments).city, 'string');

  let streamed = '';
  const stream = await client.chat.completions.create({ model, messages, tools, tool_choice: 'required', stream: true });
  for await (const chunk of stream) {
    streamed += chunk.choices[0]?.delta.tool_calls?.[0]?.function?.arguments ?? '';
  }
  assert.equal(streamed, call.function.arguments);
});

test('legacy completions', async () => {
  const answer = await client.completions.create({ model, prompt: 'Once upon a time', max_tokens: 5 });
  assert.ok(answer.choices[0].text.length > 0);
});

test('embeddings', async () => {
  const answer = await client.embeddings.create({ model, input: ['a river', 'a dam'] });
  assert.equal(answer.data.length, 2);
  assert.ok(answer.data[0].embedding.every(Number.isFinite));
});

test('models', async () => {
  const ids = [];
  for await (const each of client.models.list()) ids.push(each.id);
  assert.ok(ids.includes(model));
  assert.equal((await client.models.retrieve(model)).id, model);
});

test('errors have the right types', async () => {
  await assert.rejects(
    client.chat.completions.create({ model: 'no-such-model', messages }),
    (error) => error instanceof OpenAI.NotFoundError && error.code === 'model_not_found'
      && error.message.includes(model) && error.requestID.length > 0);
  await assert.rejects(
    client.chat.completions.create({ model, messages, max_tokens: -1 }),
    (error) => error instanceof OpenAI.BadRequestError && error.param === 'max_tokens');
});

test('a stream that breaks raises an error', async () => {
  for (const fault of ['reset;after=40', 'eof;after=40', 'error;after=40']) {
    const stream = await client.chat.completions.create(
      { model, messages, max_tokens: 50, stream: true }, { headers: { 'x-sim-fault': fault } });
    let parts = 0;
    await assert.rejects(async () => {
      for await (const chunk of stream) parts += chunk.choices[0]?.delta.content ? 1 : 0;
    }, OpenAI.APIError, fault);
    assert.ok(parts > 0, fault);
  }
});

test('leaving a stream stops the engine', async () => {
  const cancelled = async () => (await (await fetch(`${process.env.PENSTOCK_SIM}/sim/stats`)).json()).cancelled;
  const before = await cancelled();
  const stream = await client.chat.completions.create({ model, messages, max_tokens: 4000, stream: true });
  for await (const chunk of stream) {
    assert.ok(chunk);
    break;
  }
  stream.controller.abort();
  const end = Date.now() + 25_000; // the stream would take 30 s
  while ((await cancelled()) === before && Date.now() < end) await new Promise((go) => setTimeout(go, 10));
  assert.ok((await cancelled()) > before);
});
