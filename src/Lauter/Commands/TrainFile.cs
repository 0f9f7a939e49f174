using Lauter.Catalog.Projects;
using Lauter.Training.Jobs;
using Lauter.Training.Loop;
using Lauter.Training.Lora;

namespace Lauter.Commands;

/// <summary>Reads a training file; every fault is told at once, with its line.</summary>
internal static class TrainFile
{
    /// <summary>What <c>--example</c> prints.</summary>
    public const string Example = """
        # lauter train THIS.yaml. Paths are relative to this file.
        base: model.gguf            # what training starts from; or scratch: nano
        data: rows.jsonl            # a row a line: {"messages": […]}, {"prompt", "completion"}, {"prompt", "chosen", "rejected"}, {"text"};
                                    # optional members: id, split (train | validation | test), weight on assistant messages
        out: trained                # receives model.gguf, adapter/ (PEFT), adapter.gguf, metrics.jsonl; a stopped run goes on from here
        method: sft                 # sft; on preferences dpo, ipo, orpo, simpo; on rows with a label kto
        lora: { rank: 16 }          # alpha, targets, rank_stabilised, rate_ratio, ranks: { q_proj: 8, layers.0.down_proj: 0 }; without it every weight is trained
        epochs: 2
        batch: 32                   # rows a step
        learning_rate: 0.001
        # schedule: cosine          # cosine, linear, constant, wsd
        # warm_up: 0.03             # part of all steps
        # floor: 0.1                # last rate as a part of the peak
        # weight_decay: 0
        # patience: 3               # stop after so many validations without a better one
        # max_tokens: 2048          # longest row
        # long_rows: drop           # drop, cut, refuse
        # prompt_weight: 0          # weight of the loss at prompt tokens (training of every weight)
        # beta: 0.1                 # preferences: pull away from the reference
        # gamma: 0.5                # simpo's margin
        # from: other/adapter       # a PEFT folder to go on from
        # seed: 1
        # threads: 2
        # activation_memory: 800    # MiB kept between forward and backward; the rest is computed again
        # resident_layers: 4        # base layers held as fp32; fewer need less memory
        # limits: { hours: 2, memory_gib: 4, hour_price: 0.30, price: 1, currency: EUR }

        """;

    /// <exception cref="CommandException">The file is missing or has faults.</exception>
    public static TrainingJob Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new CommandException(ExitCodes.InputMissing, $"the training file {path} was not found.");
        }

        List<YamlFault> faults = [];
        TrainingJob? job = null;
        if (YamlMap.Parse(File.ReadAllText(path), faults) is { } map)
        {
            job = Job(map, Path.GetDirectoryName(path)!, Path.GetFileNameWithoutExtension(path));
            map.Finish();
            if (faults.Count == 0)
            {
                faults.AddRange(job.Faults().Select(f => new YamlFault(1, 1, "", f)));
            }
        }

        return faults.Count == 0 ? job! : throw new CommandException(ExitCodes.ProjectInvalid, $"{path} has {faults.Count} fault(s):\n" + string.Join('\n', faults.Select(f => $"  {f}")));
    }

    private static TrainingJob Job(YamlMap map, string directory, string name)
    {
        var scratch = map.Choice("scratch", [ScratchPresets.NanoName]);
        var lora = map.Map("lora") is { } section ? Lora(section) : null;
        var options = scratch is not null ? ScratchPresets.Find(scratch)!.Value.Training : lora is not null ? TrainingOptions.ForAdapters : new TrainingOptions();
        var job = new TrainingJob
        {
            Name = map.Text("name") ?? name,
            BasePath = FileOf(map, "base", directory, required: scratch is null),
            Scratch = scratch is null ? null : ScratchPresets.Find(scratch)!.Value.Shape,
            ExamplesPath = FileOf(map, "data", directory, required: true) ?? "",
            OutputDirectory = Path.GetFullPath(Path.Combine(directory, map.Text("out") ?? name)),
            Method = map.Text("method") ?? TrainingJob.Sft,
            Lora = lora,
            AdapterPath = map.Text("from") is { } from ? Path.GetFullPath(Path.Combine(directory, from)) : null,
            Limits = map.Map("limits") is { } limits ? Limits(limits) : null,
            Options = options with
            {
                Epochs = map.Integer("epochs", 1, 10_000) ?? options.Epochs,
                BatchExamples = map.Integer("batch", 1, 4096) ?? options.BatchExamples,
                LearningRate = map.Number("learning_rate", 1e-8, 1) ?? options.LearningRate,
                Schedule = Enum.Parse<Schedule>(map.Choice("schedule", ["cosine", "linear", "constant", "wsd"]) ?? nameof(Schedule.Cosine), ignoreCase: true),
                WarmUpFraction = map.Number("warm_up", 0, 1) ?? options.WarmUpFraction,
                FloorFraction = map.Number("floor", 0, 1) ?? options.FloorFraction,
                WeightDecay = map.Number("weight_decay", 0, 1) ?? options.WeightDecay,
                Patience = map.Integer("patience", 1, 10_000),
                MaximumTokens = map.Integer("max_tokens", 2, 1 << 20),
                LongRows = Enum.Parse<LongRows>(map.Choice("long_rows", ["drop", "cut", "refuse"]) ?? nameof(LongRows.Drop), ignoreCase: true),
                PromptLossWeight = map.Number("prompt_weight", 0, 1) ?? 0,
                Beta = map.Number("beta", 1e-6, 1000) ?? options.Beta,
                Gamma = map.Number("gamma", 0, 1000) ?? options.Gamma,
                Seed = (ulong)(map.Integer("seed", 0, int.MaxValue) ?? 1),
                Threads = map.Integer("threads", 1, 1024),
                ActivationMebibytes = map.Integer("activation_memory", 16, 1 << 24) ?? options.ActivationMebibytes,
                ResidentLayers = map.Integer("resident_layers", 1, 4096),
            },
        };
        if (map.Has("base") && scratch is not null)
        {
            map.Fault("scratch", "write either 'base' or 'scratch'.");
        }

        return job;
    }

    private static LoraOptions Lora(YamlMap map)
    {
        var options = new LoraOptions();
        var targets = map.Texts("targets");
        var ranks = new Dictionary<string, int>(StringComparer.Ordinal);
        if (map.Map("ranks") is { } section)
        {
            foreach (var key in section.Keys.ToArray())
            {
                ranks[key] = section.Integer(key, 0, 1024) ?? options.Rank;
            }

            section.Finish();
        }

        var lora = options with
        {
            Rank = map.Integer("rank", 1, 1024) ?? options.Rank,
            Alpha = map.Number("alpha", 0.001, 1e6),
            Targets = targets.Count == 0 ? options.Targets : targets,
            RankStabilised = map.Flag("rank_stabilised") ?? false,
            RateRatio = map.Number("rate_ratio", 1, 1000) ?? 1,
            RankPattern = ranks,
        };
        map.Finish();
        return lora;
    }

    private static TrainingLimits Limits(YamlMap map)
    {
        var limits = new TrainingLimits
        {
            Hours = map.Number("hours", 0, 1e6),
            MemoryGibibytes = map.Number("memory_gib", 0, 1e6),
            HourPrice = map.Number("hour_price", 0, 1e6),
            Price = map.Number("price", 0, 1e9),
            Currency = map.Text("currency"),
        };
        if (limits.Price is not null && limits.HourPrice is null)
        {
            map.Fault("hour_price", "is needed to know whether the run stays below 'price'.");
        }

        map.Finish();
        return limits;
    }

    private static string? FileOf(YamlMap map, string key, string directory, bool required)
    {
        if (map.Text(key, required) is not { } relative)
        {
            return null;
        }

        var path = Path.GetFullPath(Path.Combine(directory, relative));
        if (!File.Exists(path))
        {
            map.Fault(key, $"the file {path} was not found.");
        }

        return path;
    }
}
