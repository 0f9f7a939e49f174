// Runs two npm SDKs unmodified against the gateway and prints one JSON line with what they saw.
import OpenAI from "openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embed, generateText, jsonSchema, streamText, tool } from "ai";

const [baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const ask = (content, more = {}) => ({ model: "chat", messages: [{ role: "user", content }], ...more });
const weather = { type: "function", function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } } };
const schema = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"], additionalProperties: false };
const seen = {};

const plain = await client.chat.completions.create(ask("plain"));
seen.plain = plain.choices[0].message.content;
seen.usage = plain.usage.total_tokens;

let streamed = "";
let usage = null;
for await (const chunk of await client.chat.completions.create(ask("plain", { stream: true, stream_options: { include_usage: true } }))) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
  usage = chunk.usage ?? usage;
}
seen.streamed = streamed;
seen.streamUsage = usage?.total_tokens;

seen.tool = (await client.chat.completions.create(ask("tool", { tools: [weather] }))).choices[0].message.tool_calls[0].function.arguments;
const parsed = await client.chat.completions.parse(ask("json", { response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema } } }));
seen.json = JSON.parse(parsed.choices[0].message.content).ok;
seen.embedding = (await client.embeddings.create({ model: "vectors", input: "x" })).data[0].embedding.length;
seen.response = (await client.responses.create({ model: "chat", input: "plain" })).output_text;
seen.models = (await client.models.list()).data.map((m) => m.id).sort();

try { await client.chat.completions.create(ask("fail")); } catch (e) { seen.error = [e.status, e.code]; }
try { await client.chat.completions.create({ ...ask("x"), model: "nothing" }); } catch (e) { seen.forbidden = [e.status, e.code]; }
try { await new OpenAI({ baseURL, apiKey: "lk-wrong", maxRetries: 0 }).models.list(); } catch (e) { seen.denied = e.status; }
try {
  for await (const chunk of await client.chat.completions.create(ask("broken", { stream: true }))) void chunk;
  seen.broken = "looked like success";
} catch (e) { seen.broken = e.constructor.name; }

const slow = await client.chat.completions.create(ask("slow", { stream: true }));
for await (const chunk of slow) { void chunk; break; } // leaving the loop aborts the request
seen.aborted = slow.controller.signal.aborted;

const feedback = await fetch(`${baseURL}/feedback`, {
  method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${apiKey}` }, body: JSON.stringify({ id: plain.id, rating: "up" }),
});
seen.feedback = feedback.status;

const file = await client.files.create({ purpose: "batch", file: new File([JSON.stringify({ custom_id: "1", method: "POST", url: "/v1/chat/completions", body: ask("plain") })], "lines.jsonl") });
let batch = await client.batches.create({ input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h" });
for (let i = 0; i < 200 && !["completed", "failed"].includes(batch.status); i++) {
  await new Promise((resolve) => setTimeout(resolve, 50));
  batch = await client.batches.retrieve(batch.id);
}
seen.batch = JSON.parse(await (await client.files.content(batch.output_file_id)).text()).response.body.choices[0].message.content;

const ai = createOpenAICompatible({ name: "lauter", baseURL, apiKey, includeUsage: true });
seen.aiPlain = (await generateText({ model: ai("chat"), prompt: "plain", maxRetries: 0 })).text;
seen.aiTool = (await generateText({ model: ai("chat"), prompt: "tool", maxRetries: 0, tools: { weather: tool({ inputSchema: jsonSchema(weather.function.parameters) }) } })).toolCalls[0].input.city;
seen.aiEmbedding = (await embed({ model: ai.embeddingModel("vectors"), value: "x" })).embedding.length;
const stream = streamText({ model: ai("chat"), prompt: "plain", maxRetries: 0 });
seen.aiStreamed = "";
for await (const piece of stream.textStream) seen.aiStreamed += piece;
seen.aiUsage = (await stream.usage).totalTokens;
try { await generateText({ model: ai("chat"), prompt: "fail", maxRetries: 0 }); } catch (e) { seen.aiError = e.statusCode; }

console.log(JSON.stringify(seen));
