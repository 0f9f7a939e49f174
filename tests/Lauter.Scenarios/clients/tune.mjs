// Fine-tunes through the official OpenAI SDK: upload, create, pause, resume, events, checkpoints, result files, and what is refused. Prints one JSON line.
import fs from "node:fs";
import OpenAI from "openai";

const [baseURL, apiKey, model, rows, preferences] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const upload = (path) => client.files.create({ file: fs.createReadStream(path), purpose: "fine-tune" });
const end = async (id) => {
  for (let i = 0; i < 1200; i++) {
    const job = await client.fineTuning.jobs.retrieve(id);
    if (["succeeded", "failed", "cancelled"].includes(job.status)) return job;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error("the job did not end");
};
const refused = async (body) => {
  try {
    await client.fineTuning.jobs.create(body);
    return null;
  } catch (e) {
    return { status: e.status, param: e.param };
  }
};

const file = await upload(rows);
const created = await client.fineTuning.jobs.create({
  model, training_file: file.id, validation_file: file.id, seed: 7, suffix: "js", metadata: { team: "scenario" },
  method: { type: "supervised", supervised: { hyperparameters: { n_epochs: 2, batch_size: 4, learning_rate_multiplier: 0.5 } } },
});
const supervised = await end(created.id);
const events = [];
for await (const e of client.fineTuning.jobs.listEvents(created.id, { limit: 2 })) events.push(e);
const checkpoints = [];
for await (const c of client.fineTuning.jobs.checkpoints.list(created.id)) checkpoints.push(c);
const results = [];
for (const id of supervised.result_files) {
  const described = await client.files.retrieve(id);
  const bytes = Buffer.from(await (await client.files.content(id)).arrayBuffer());
  results.push({ name: described.filename, bytes: described.bytes, read: bytes.length, head: described.filename.endsWith(".csv") ? bytes.toString("utf8").split("\n")[0] : null });
}

const pairs = await upload(preferences);
const second = await client.fineTuning.jobs.create({ model, training_file: pairs.id, method: { type: "dpo", dpo: { hyperparameters: { beta: 0.2, n_epochs: 50, batch_size: 1 } } } });
const paused = (await client.fineTuning.jobs.pause(second.id)).status;
const resumed = (await client.fineTuning.jobs.resume(second.id)).status;
const cancelled = (await client.fineTuning.jobs.cancel(second.id)).status;
const wrongRows = await client.fineTuning.jobs.create({ model, training_file: pairs.id });
const failed = await end(wrongRows.id);
const list = [];
for await (const job of client.fineTuning.jobs.list({ limit: 1 })) list.push(job.id);

console.log(JSON.stringify({
  created, supervised, events, checkpoints, results, paused, resumed, cancelled, failed, list,
  noModel: await refused({ model: "other", training_file: file.id }), noFile: await refused({ model, training_file: "file-0" }),
  tooMany: await refused({ model, training_file: file.id, hyperparameters: { n_epochs: 51 } }),
}));
