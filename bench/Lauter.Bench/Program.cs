using Lauter.Bench;

return args switch
{
    ["clinc150", var data] => await Clinc150.RunAsync(data),
    ["clinc150-smollm2", var data, var model, var reference] => await Clinc150SmolLm2.RunAsync(data, model, reference),
    ["training-parity", var model, var data, .. var rows] => await TrainingParity.RunAsync(model, data, int.Parse(rows.FirstOrDefault() ?? "600", System.Globalization.CultureInfo.InvariantCulture)),
    ["training", var model, var data, var steps, .. var only] => await TrainingSpeedBench.RunAsync(model, data, steps, only.FirstOrDefault()),
    ["data", "yardsticks", var corpus] => Data.Yardsticks(corpus),
    ["data", "run", var corpus, var recipe, var output, var workers, var format, var language, .. var rest] => await Data.RunAsync(corpus, recipe, output, int.Parse(workers, System.Globalization.CultureInfo.InvariantCulture), format, language, rest is ["cache"]),
    ["data-scale", var corpora, var work, var sizes, var rounds] => DataScale.Run(corpora, work, sizes, int.Parse(rounds, System.Globalization.CultureInfo.InvariantCulture)),
    ["data-scale-run", var corpus, var output, var workers] => await DataScale.ChildAsync(corpus, output, int.Parse(workers, System.Globalization.CultureInfo.InvariantCulture)),
    ["data-verb", var verb, var input, var output, var workers] => DataVerbs.Run(verb, input, output, int.Parse(workers, System.Globalization.CultureInfo.InvariantCulture)),
    ["data-mojibake", var corpus] => DataFilters.Mojibake(corpus),
    ["data-filters", var corpus, var recipe, var megabytes] => DataFilters.Run(corpus, recipe, double.Parse(megabytes, System.Globalization.CultureInfo.InvariantCulture)),
    ["latency", var address, var key, var application, var requests] => await Latency.RunAsync(address, key, application, requests),
    ["dedup", var corpus, .. var bands] => DedupBench.Run(corpus, bands is [var one] ? one : "21x6"),
    ["claim", var model, var data, .. var options] => await ClaimBench.RunAsync(model, data, options),
    ["gateway", .. var options] => await GatewayBench.RunAsync(options),
    ["gateway-upstream", var port, var delay] => await GatewayServers.UpstreamAsync(port, delay),
    ["gateway-proxy", var port, var upstream] => await GatewayServers.ProxyAsync(port, upstream),
    ["fold", var corpus] => FoldBench.Run(corpus),
    ["grow", var corpus, var output, var parts] => FoldBench.Grow(corpus, output, int.Parse(parts)),
    ["redact-labelled"] => RedactLabelled.Run(20_000),
    ["redact", var corpus] => RedactBench.Run(corpus),
    ["gates", var directory, .. var part] => GatesBench.Run(directory, part is [var one] ? one : "all"),
    ["ledger"] => LedgerBench.Run(),
    ["release-damage", var part, var data, var directory] => await ReleaseDamage.RunAsync(part, data, directory),
    ["engine-load", var path, .. var numbers] when numbers.Length == 5 => EngineLoads.Write(path, int.Parse(numbers[0]), int.Parse(numbers[1]), int.Parse(numbers[2]), int.Parse(numbers[3]), int.Parse(numbers[4])),
    ["engine-plain", var model, var requests, var parallel, var threads] => EnginePlain.Run(model, requests, int.Parse(parallel), int.Parse(threads)),
    ["engine-schemas", var url, var schemas, var answers] => await EngineSchemas.RunAsync(url, int.Parse(schemas), int.Parse(answers)),
    ["engine-quality", var single, var shared, var rows, var schema, var field, var parallel] => await EngineQuality.RunAsync(single, shared, rows, schema, field, int.Parse(parallel)),
    ["engine-clients", var url, .. var encoder] => await EngineClients.RunAsync(url, encoder is [var one] ? one : null),
    ["engine-vectors", var url, var passages, var process] => await EngineVectors.RunAsync(url, int.Parse(passages), int.Parse(process)),
    ["engine-soak", var url, var process, var minutes, var parallel] => await EngineSoak.RunAsync(url, int.Parse(process), int.Parse(minutes), int.Parse(parallel)),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("""
        clinc150 DATA_FULL.json                       write rows, run the project, print sizes, scores and times
        dedup CORPUS [BANDSxROWS]                     speed, recall and precision of near-duplicate search on the generated corpus
        clinc150-smollm2 DATA_FULL.json MODEL.gguf REFERENCE.json  fine-tune a pre-trained model on the reference run's rows, through gate and release
        training-parity MODEL.gguf DATA_FULL.json [ROWS]  an adapter trained on so many CLINC150 rows, compared on 200 held-out ones: served, merged, Q8_0
        training MODEL.gguf DATA_FULL.json STEPS [0,1,…]  LoRA on CLINC150 rows: tokens/s against the matrix speed, memory, where time goes
        fold CORPUS                                   folding and script conversion beside copying, hashing and decoding
        grow CORPUS OUT.jsonl PARTS                   a corpus PARTS times as large, its parts unlike each other
        redact-labelled                               precision and recall of redaction on generated labelled texts
        redact CORPUS                                 speed and exact spans of redaction on the generated corpus
        gates DIRECTORY [fixed|sequential|drift|speed]  simulate releases, canaries and drift alarms; time the gate
        data yardsticks CORPUS.jsonl                    sha256 of 1 GiB, gzip -6 of 50 MB, UTF-8 decoding: what the machine is worth now
        data run CORPUS.jsonl RECIPE OUT WORKERS jsonl|parquet all|en|zh [cache]   a recipe end to end: CPU, peak memory, rows kept
        data-scale CORPORA WORK 5,100,2000 ROUNDS       the whole recipe at growing sizes, then one core against two ROUNDS times at 100 MB; figures and a plot
        data-verb dedup|redact|split|parquet|csv|huggingface IN.jsonl OUT WORKERS   one file in, files out: processor time, wall time, peak memory
        data-mojibake CORPUS.jsonl                      planted encoding accidents: repaired, caught, and clean texts touched
        data-filters CORPUS.jsonl RECIPE MEGABYTES      the filters on text in memory, the first MEGABYTES of each language: speed and what is kept
        latency ADDRESS KEY APPLICATION REQUESTS.jsonl  time warm answers one after the other; a line needs the field 'text'
        claim MODEL.gguf DATA [--rag N] [--triage N]  what an accepted answer costs served naively and by Lauter, each factor alone, and whether the quality holds
        gateway [--portkey DIR] [--requests N]        the gateway beside a bare proxy and Portkey: latency, requests a second, memory
        release-damage live|offline|candidate|canary|chinese DATA_FULL.json DIRECTORY   damaged candidates: who stops them, how many users met them
        ledger                                        rates of journal, budgets, ledger and trace store beside the disk's own
        engine-load FILE REQUESTS TENANTS SHARED OWN MOST        write requests for the three below; TENANTS 0 shares nothing
        engine-plain MODEL.gguf FILE PARALLEL THREADS           the plain native batch loop that the engine is held against
        engine-schemas ADDRESS SCHEMAS ANSWERS                  answers under schemas of growing difficulty, checked by JsonSchema.Net
        engine-quality ONE MANY ROWS.jsonl SCHEMA FIELD PARALLEL  answers one by one beside batched, shared and constrained ones, paired
        engine-clients ADDRESS [ENCODER_ADDRESS]                the official .NET client against an engine alone
        engine-vectors ADDRESS PASSAGES PROCESS_ID              embedding short passages against the rate on long texts
        engine-soak ADDRESS PROCESS_ID MINUTES PARALLEL         mixed load with cancels, disconnects and oversize prompts; memory and leaks
        """);
    return 2;
}
