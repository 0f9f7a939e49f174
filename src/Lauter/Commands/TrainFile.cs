using Lauter.Catalog.Projects;
using Lauter.Training.Handover;
using Lauter.Training.Jobs;
using Lauter.Training.Loop;
using Lauter.Training.Lora;
using Lauter.Training.Remote;
using Lauter.Training.Sweeps;

namespace Lauter.Commands;

/// <summary>A training file as it was read.</summary>
/// <param name="Job">The training on this machine.</param>
/// <param name="Remote">Where it runs instead, and the environment variable that holds the key; or null.</param>
/// <param name="Cluster">What a bundle needs besides, or null.</param>
/// <param name="Sweep">The combinations of a sweep; empty without one.</param>
internal sealed record TrainPlan(TrainingJob Job, (RemoteOptions Options, string KeyVariable)? Remote, ClusterOptions? Cluster, IReadOnlyList<SweepSetting> Sweep);

/// <summary>Reads a training file; every fault is told at once, with its line.</summary>
internal static class TrainFile
{
    private static readonly string[] SweepKeys = ["learning_rate", "batch", "epochs", "rank", "alpha", "beta"];

    /// <summary>What <c>--example</c> prints.</summary>
    public const string Example = """
        # lauter train THIS.yaml. Paths are relative to this file.
        base: model.gguf            # what training starts from; or scratch: nano
        data: rows.jsonl            # a row a line: {"messages": […]}, {"prompt", "completion"}, {"prompt", "chosen", "rejected"}, {"text"};
                                    # optional members: id, split (train | validation | test), weight on assistant messages
        out: trained                # receives model.gguf, adapter/ (PEFT), adapter.gguf, metrics.jsonl; a stopped run goes on from here
        method: sft                 # sft; on preferences dpo, ipo, orpo, simpo; on rows with a label kto
        lora: { rank: 16 }          # alpha, targets, rank_stabilised, rate_ratio, decomposed (DoRA; served merged only), ranks: { q_proj: 8, layers.0.down_proj: 0 };
                                    # without it every weight is trained
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
        # teacher_weight: 0.5       # rows with a teacher's log-probabilities: its part of the loss; the rest asks for the row's answer
        # roll_backs: 2             # a diverged run goes back so often, leaves out the rows it diverged on and names them; 0 = it fails
        # keep_epochs: true         # the adapter after each epoch, in out/epochs/N
        # from: other/adapter       # a PEFT folder to go on from
        # seed: 1
        # threads: 2
        # activation_memory: 800    # MiB kept between forward and backward; the rest is computed again
        # resident_layers: 4        # base layers held as fp32; fewer need less memory
        # sweep: { learning_rate: [0.0005, 0.001], rank: [8, 16] }   # with --sweep; also batch, epochs, alpha, beta; needs validation rows
        # remote: { url: "https://api.openai.com/v1", model: NAME, key: OPENAI_API_KEY }   # trains there (key names an environment variable); suffix, poll
        # cluster: { base: ORG/MODEL, gpus: 4, hours: 12 }           # for --bundle: the original weights there; template, image
        # limits: { hours: 2, memory_gib: 4, hour_price: 0.30, price: 1, currency: EUR }

        """;

    /// <exception cref="CommandException">The file is missing or has faults.</exception>
    public static TrainPlan Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new CommandException(ExitCodes.InputMissing, $"the training file {path} was not found.");
        }

        List<YamlFault> faults = [];
        TrainPlan? plan = null;
        if (YamlMap.Parse(File.ReadAllText(path), faults) is { } map)
        {
            (RemoteOptions, string)? remote = map.Map("remote") is { } there ? Remote(there, map) : null;
            var job = Job(map, Path.GetDirectoryName(path)!, Path.GetFileNameWithoutExtension(path), remote is not null);
            plan = new TrainPlan(job, remote, map.Map("cluster") is { } cluster ? Cluster(cluster) : null, map.Map("sweep") is { } sweep ? Sweep(sweep, job) : []);
            map.Finish();
            if (faults.Count == 0 && remote is null)
            {
                faults.AddRange(job.Faults().Select(f => new YamlFault(1, 1, "", f)));
            }
        }

        return faults.Count == 0 ? plan! : throw new CommandException(ExitCodes.ProjectInvalid, $"{path} has {faults.Count} fault(s):\n" + string.Join('\n', faults.Select(f => $"  {f}")));
    }

    private static TrainingJob Job(YamlMap map, string directory, string name, bool remote)
    {
        var scratch = map.Choice("scratch", [ScratchPresets.NanoName]);
        var lora = map.Map("lora") is { } section ? Lora(section) : null;
        var options = scratch is not null ? ScratchPresets.Find(scratch)!.Value.Training : lora is not null ? TrainingOptions.ForAdapters : new TrainingOptions();
        var job = new TrainingJob
        {
            Name = map.Text("name") ?? name,
            BasePath = FileOf(map, "base", directory, required: scratch is null && !remote),
            Scratch = scratch is null ? null : ScratchPresets.Find(scratch)!.Value.Shape,
            ExamplesPath = FileOf(map, "data", directory, required: true) ?? "",
            OutputDirectory = Path.GetFullPath(Path.Combine(directory, map.Text("out") ?? name)),
            Method = map.Text("method") ?? TrainingJob.Sft,
            Lora = lora,
            AdapterPath = map.Text("from") is { } from ? Path.GetFullPath(Path.Combine(directory, from)) : null,
            KeepEpochs = map.Flag("keep_epochs") ?? false,
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
                TeacherWeight = map.Number("teacher_weight", 0, 1) ?? options.TeacherWeight,
                RollBacks = map.Integer("roll_backs", 0, 100) ?? options.RollBacks,
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

    private static (RemoteOptions Options, string KeyVariable) Remote(YamlMap map, YamlMap file)
    {
        var url = map.Text("url", required: true) ?? "";
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https") || address.Query.Length > 0 || address.UserInfo.Length > 0)
        {
            map.Fault("url", $"'{url}' is not an address such as https://api.openai.com/v1, without query and password.");
            address = new Uri("http://localhost/");
        }

        var options = new RemoteOptions
        {
            Address = address,
            Model = map.Text("model", required: true) ?? "",
            Suffix = map.Text("suffix"),
            Poll = TimeSpan.FromSeconds(map.Number("poll", 0.05, 3600) ?? 5),
            LearningRateMultiplier = map.Number("learning_rate_multiplier", 1e-3, 100),
            Epochs = file.Integer("epochs", 1, 10_000),
            BatchSize = file.Integer("batch", 1, 4096),
            Beta = file.Number("beta", 1e-6, 1000),
        };
        var key = map.Text("key") ?? "OPENAI_API_KEY";
        map.Finish();
        return (options, key);
    }

    private static ClusterOptions Cluster(YamlMap map)
    {
        var cluster = new ClusterOptions { Base = map.Text("base", required: true) ?? "", Template = map.Text("template"), Gpus = map.Integer("gpus", 1, 16) ?? 1, Hours = map.Integer("hours", 1, 10_000) ?? 24 };
        cluster = map.Text("image") is { } image ? cluster with { Image = image } : cluster;
        map.Finish();
        return cluster;
    }

    /// <summary>Every combination of the values, each with a folder of its own.</summary>
    private static IReadOnlyList<SweepSetting> Sweep(YamlMap map, TrainingJob job)
    {
        List<(string Name, TrainingJob Job)> settings = [("", job)];
        foreach (var key in map.Keys.ToArray())
        {
            if (!SweepKeys.Contains(key))
            {
                continue; // told by Finish
            }

            List<(string, TrainingJob)> next = [];
            foreach (var text in map.Texts(key))
            {
                if (!double.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var value) || value <= 0 || (key is "rank" or "alpha" && job.Lora is null))
                {
                    map.Fault(key, $"'{text}' is no number above 0{(job.Lora is null ? ", or there is no lora it could belong to" : "")}.");
                    continue;
                }

                next.AddRange(settings.Select(s => ($"{s.Name}{(s.Name.Length > 0 ? ", " : "")}{key} {text}", With(s.Job, key, value))));
            }

            settings = next;
        }

        map.Finish();
        return [.. settings.Select((s, i) => new SweepSetting(s.Name, s.Job with { Name = job.Name, OutputDirectory = Path.Combine(job.OutputDirectory, "sweep", $"{i + 1:00}") }))];
    }

    private static TrainingJob With(TrainingJob job, string key, double value) => key switch
    {
        "learning_rate" => job with { Options = job.Options with { LearningRate = value } },
        "batch" => job with { Options = job.Options with { BatchExamples = (int)value } },
        "epochs" => job with { Options = job.Options with { Epochs = (int)value } },
        "beta" => job with { Options = job.Options with { Beta = value } },
        "rank" => job with { Lora = job.Lora! with { Rank = (int)value } },
        _ => job with { Lora = job.Lora! with { Alpha = value } },
    };

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
            WeightDecomposed = map.Flag("decomposed") ?? false,
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
