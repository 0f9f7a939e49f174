// Asks the gateway through the official OpenAI SDK: plain, streaming, JSON schema, and an error. Prints one JSON line.
import OpenAI from "openai";

const [baseURL, apiKey, model, text] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: text }];

const plain = await client.chat.completions.create({ model, messages });

let streamed = "";
let finish = null;
let usage = null;
const stream = await client.chat.completions.create({ model, messages, stream: true, stream_options: { include_usage: true } });
for await (const chunk of stream) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
  finish = chunk.choices[0]?.finish_reason ?? finish;
  usage = chunk.usage ?? usage;
}

let error = null;
try {
  await client.chat.completions.create({ model: "no-such-application", messages });
} catch (e) {
  error = { status: e.status, code: e.code, message: e.message };
}

let denied = null;
try {
  await new OpenAI({ baseURL, apiKey: "lk-wrong", maxRetries: 0 }).models.list();
} catch (e) {
  denied = e.status;
}

const models = [];
for await (const m of client.models.list()) models.push(m.id);

console.log(JSON.stringify({ id: plain.id, plain: plain.choices[0].message.content, usage: plain.usage, streamed, finish, streamUsage: usage, error, denied, models }));
