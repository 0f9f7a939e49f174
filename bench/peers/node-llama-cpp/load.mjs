// node load.mjs MODEL.gguf REQUESTS.jsonl PARALLEL [PER_SECOND]
// A line is {"prompt", "max_tokens"}. Closed loop of PARALLEL callers, or a Poisson process of PER_SECOND over PARALLEL sequences.
// Each request takes a free sequence; node-llama-cpp keeps what the sequence's last prompt and this one have in common.
import {readFileSync} from "node:fs";
import {getLlama} from "node-llama-cpp";

const [modelPath, file, parallelText, rateText] = process.argv.slice(2);
const parallel = Number(parallelText);
const rate = rateText === undefined ? null : Number(rateText);
const threads = Number(process.env.THREADS ?? 1);
const requests = readFileSync(file, "utf8").split("\n").filter((line) => line.trim()).map((line) => JSON.parse(line));

const llama = await getLlama({gpu: false, build: "never", maxThreads: threads});
const model = await llama.loadModel({modelPath});
const context = await model.createContext({contextSize: 1024, sequences: parallel, batchSize: 512, threads, flashAttention: true});
const free = Array.from({length: parallel}, () => context.getSequence());
const waiting = [];
const sequence = () => free.length > 0 ? Promise.resolve(free.pop()) : new Promise((resolve) => waiting.push(resolve));
const release = (item) => waiting.length > 0 ? waiting.shift()(item) : free.push(item);

const firsts = [], gaps = [], totals = [];
let input = 0, output = 0;

async function answer(request, arrived) {
    const tokens = model.tokenize(request.prompt);
    const own = await sequence();
    await own.adaptStateToTokens(tokens.slice(0, -1));
    const rest = tokens.slice(own.nextTokenIndex);
    input += tokens.length;
    let count = 0, last = 0;
    for await (const token of own.evaluate(rest, {temperature: 0, yieldEogToken: true})) {
        const now = performance.now();
        if (count === 0)
            firsts.push(now - arrived);
        else
            gaps.push(now - last);
        last = now;
        count++;
        if (count >= request.max_tokens || model.isEogToken(token))
            break;
    }
    output += count;
    totals.push(performance.now() - arrived);
    release(own);
}

const cpu = process.cpuUsage();
const started = performance.now();
if (rate === null) {
    let next = 0;
    await Promise.all(Array.from({length: parallel}, async () => {
        while (next < requests.length)
            await answer(requests[next++], performance.now());
    }));
} else {
    // Park and Miller's generator: the same arrivals in every run.
    let state = 1, at = 0;
    const running = [];
    for (const request of requests) {
        state = (state * 48271) % 2147483647;
        at += -Math.log(1 - state / 2147483647) / rate * 1000;
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - (performance.now() - started))));
        running.push(answer(request, started + at));
    }
    await Promise.all(running);
}

const seconds = (performance.now() - started) / 1000;
const used = process.cpuUsage(cpu);
const cpuSeconds = (used.user + used.system) / 1e6;
const at = (list, share) => list.sort((a, b) => a - b)[Math.max(0, Math.ceil(share * list.length) - 1)]?.toFixed(1);
console.log(JSON.stringify({
    parallel, requests: requests.length, seconds, cpuSeconds, input, output, outputPerCpuSecond: output / cpuSeconds, answersPerCpuSecond: requests.length / cpuSeconds,
    outputPerSecond: output / seconds, firstTokenMs: {p50: at(firsts, .5), p99: at(firsts, .99)}, interTokenMs: {p50: at(gaps, .5), p99: at(gaps, .99)}, totalMs: {p50: at(totals, .5), p99: at(totals, .99)},
}));
process.exit(0);
