// node engine.mjs http://127.0.0.1:8080 [http://ENCODER] : asks an engine through openai and @ai-sdk/openai-compatible; exits with 1 on the first surprise.
import assert from "node:assert/strict";
import OpenAI from "openai";
import {createOpenAICompatible} from "@ai-sdk/openai-compatible";

const [engine, encoder] = process.argv.slice(2);
const client = new OpenAI({baseURL: `${engine}/v1`, apiKey: "none", maxRetries: 0});
const model = (await client.models.list()).data[0].id;
const messages = [{role: "user", content: "Name a colour of the sky."}];
const checks = [];
const check = async (name, run) => {
    await run();
    checks.push(name);
};

await check("openai plain with n", async () => {
    const answer = await client.chat.completions.create({model, messages, max_tokens: 12, n: 2, seed: 1});
    assert.equal(answer.choices.length, 2);
    assert.ok(answer.usage.total_tokens === answer.usage.prompt_tokens + answer.usage.completion_tokens);
});
await check("openai stream with usage", async () => {
    const body = {model, messages, max_tokens: 16, temperature: 0};
    const whole = (await client.chat.completions.create(body)).choices[0].message.content;
    let text = "", usage = null, finish = null;
    for await (const chunk of await client.chat.completions.create({...body, stream: true, stream_options: {include_usage: true}})) {
        text += chunk.choices[0]?.delta?.content ?? "";
        finish = chunk.choices[0]?.finish_reason ?? finish;
        usage = chunk.usage ?? usage;
    }
    assert.equal(text, whole);
    assert.ok(finish && usage.completion_tokens > 0);
});
const schema = {type: "object", properties: {colour: {enum: ["blue", "grey"]}, "数": {type: "integer", minimum: 1, maximum: 9}}, required: ["colour", "数"], additionalProperties: false};
await check("openai JSON schema", async () => {
    const answer = await client.chat.completions.create({model, messages, max_tokens: 60, response_format: {type: "json_schema", json_schema: {name: "sky", strict: true, schema}}});
    assert.deepEqual(Object.keys(JSON.parse(answer.choices[0].message.content)), ["colour", "数"]);
});
const tools = [{type: "function", function: {name: "look", description: "Looks at the sky.", strict: true, parameters: schema}}];
await check("openai tools, whole and streamed", async () => {
    const body = {model, messages, tools, tool_choice: "required", parallel_tool_calls: false, max_tokens: 80, temperature: 0};
    const answer = await client.chat.completions.create(body);
    const call = answer.choices[0].message.tool_calls[0];
    assert.equal(answer.choices[0].finish_reason, "tool_calls");
    assert.ok(JSON.parse(call.function.arguments).colour);
    const final = await client.chat.completions.stream(body).finalChatCompletion();
    assert.equal(final.choices[0].message.tool_calls[0].function.arguments, call.function.arguments);
    const next = await client.chat.completions.create({model, max_tokens: 8, tools, messages: [...messages, answer.choices[0].message, {role: "tool", tool_call_id: call.id, content: "blue"}]});
    assert.equal(next.object, "chat.completion");
});
await check("openai log-probabilities", async () => {
    const answer = await client.chat.completions.create({model, messages, max_tokens: 5, logprobs: true, top_logprobs: 3});
    assert.ok(answer.choices[0].logprobs.content.every((entry) => entry.top_logprobs.length === 3 && entry.logprob <= 0));
});
await check("openai abort", async () => {
    const stream = await client.chat.completions.create({model, messages, max_tokens: 400, stream: true});
    for await (const _ of stream) break;
    const control = new AbortController();
    setTimeout(() => control.abort(), 50);
    await assert.rejects(client.chat.completions.create({model, messages, max_tokens: 400}, {signal: control.signal}));
});
await check("openai error", async () => {
    await assert.rejects(client.chat.completions.create({model, messages, max_tokens: 1000000}), (error) => error.status === 400 && error.code === "context_length_exceeded");
});
if (encoder) {
    await check("openai embeddings", async () => {
        const vectors = new OpenAI({baseURL: `${encoder}/v1`, apiKey: "none"}).embeddings;
        const own = await vectors.create({model: "e5", input: ["query: sky", "query: 天空"]});
        const floats = await vectors.create({model: "e5", input: ["query: sky", "query: 天空"], encoding_format: "float"});
        assert.equal(own.data[0].embedding.length, floats.data[0].embedding.length);
        assert.ok(own.data[1].embedding.every((value, at) => Math.abs(value - floats.data[1].embedding[at]) < 1e-6));
    });
}
// The provider's own interface, which the "ai" package calls: newer releases of that package need Node 22.
const provider = createOpenAICompatible({name: "lauter", baseURL: `${engine}/v1`, includeUsage: true, supportsStructuredOutputs: true});
const prompt = [{role: "user", content: [{type: "text", text: "Say a word."}]}];
await check("ai-sdk plain", async () => {
    const answer = await provider(model).doGenerate({prompt, maxOutputTokens: 8, temperature: 0});
    assert.equal(answer.content[0].type, "text");
});
await check("ai-sdk stream", async () => {
    const {stream} = await provider(model).doStream({prompt, maxOutputTokens: 12, temperature: 0});
    let text = "", finish = null;
    for await (const part of stream) {
        text += part.type === "text-delta" ? part.delta : "";
        finish = part.type === "finish" ? part : finish;
        assert.notEqual(part.type, "error");
    }
    assert.ok(text.length > 0 && finish !== null);
});
await check("ai-sdk tools", async () => {
    const look = {type: "function", name: "look", description: "Looks at the sky.", inputSchema: schema};
    const answer = await provider(model).doGenerate({prompt, tools: [look], toolChoice: {type: "required"}, maxOutputTokens: 80});
    const call = answer.content.find((part) => part.type === "tool-call");
    assert.ok(["blue", "grey"].includes(JSON.parse(call.input).colour));
});
await check("ai-sdk JSON schema", async () => {
    const answer = await provider(model).doGenerate({prompt, responseFormat: {type: "json", name: "sky", schema}, maxOutputTokens: 60});
    assert.deepEqual(Object.keys(JSON.parse(answer.content[0].text)), ["colour", "数"]);
});
console.log(JSON.stringify({passed: checks.length, checks}));
