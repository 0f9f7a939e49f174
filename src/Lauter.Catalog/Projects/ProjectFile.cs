using System.Globalization;
using System.Text.RegularExpressions;

namespace Lauter.Catalog.Projects;

/// <summary>The project file is missing or holds faults; all of them are listed.</summary>
public sealed class ProjectFileException(string path, IReadOnlyList<YamlFault> faults, bool missing = false)
    : Exception(missing
        ? $"There is no project at {path}: the file was not found. Run 'lauter new DIRECTORY' to make one, or name another directory."
        : $"{path} has {faults.Count} fault(s):{string.Concat(faults.Select(f => $"\n  {path}:{f}"))}")
{
    /// <summary>The project file.</summary>
    public string ProjectPath { get; } = path;

    /// <summary>Every fault, in the order of the file.</summary>
    public IReadOnlyList<YamlFault> Faults { get; } = faults;

    /// <summary>True when there is no such file.</summary>
    public bool Missing { get; } = missing;
}

/// <summary>Reads <c>lauter.yaml</c>.</summary>
public static partial class ProjectFile
{
    /// <summary>The name of the file.</summary>
    public const string FileName = "lauter.yaml";

    private const int MaximumBytes = 1 << 20;

    /// <summary>Reads the project in <paramref name="directory"/>.</summary>
    /// <exception cref="ProjectFileException">It is missing, or has faults.</exception>
    public static Project Load(string directory)
    {
        var full = Path.GetFullPath(directory);
        var path = Path.Combine(full, FileName);
        if (!File.Exists(path))
        {
            throw new ProjectFileException(path, [], missing: true);
        }

        if (new FileInfo(path).Length > MaximumBytes)
        {
            throw new ProjectFileException(path, [new YamlFault(1, 1, "", $"the file is larger than {MaximumBytes} bytes.")]);
        }

        var faults = new List<YamlFault>();
        var project = Parse(File.ReadAllText(path), full, faults);
        return faults.Count == 0 && project is not null
            ? project
            : throw new ProjectFileException(path, [.. faults.OrderBy(f => f.Line).ThenBy(f => f.Column)]);
    }

    /// <summary>Parses the text of a project file; null or incomplete when <paramref name="faults"/> is not empty.</summary>
    public static Project? Parse(string text, string directory, List<YamlFault> faults)
    {
        if (YamlMap.Parse(text, faults) is not { } root)
        {
            return null;
        }

        var name = root.Text("project", required: true) ?? "";
        if (name.Length > 0 && !NamePattern().IsMatch(name))
        {
            root.Fault("project", $"'{name}' must be lower-case letters, digits and hyphens, at most 64.");
        }

        var datasets = root.Entries("datasets").ToDictionary(e => e.Name, e => Dataset(e.Name, e.Map), StringComparer.Ordinal);
        var models = root.Entries("models").ToDictionary(e => e.Name, e => Model(e.Map, directory), StringComparer.Ordinal);
        var trainings = root.Entries("trainings").ToDictionary(e => e.Name, e => Training(e.Name, e.Map, models, datasets), StringComparer.Ordinal);
        var indexes = root.Entries("indexes").ToDictionary(e => e.Name, e => Index(e.Name, e.Map, datasets), StringComparer.Ordinal);
        var applications = root.Entries("applications")
            .ToDictionary(e => e.Name, e => Application(e.Name, e.Map, directory, trainings, indexes, datasets), StringComparer.Ordinal);
        var project = new Project
        {
            Name = name,
            Directory = directory,
            Datasets = datasets,
            Models = models,
            Trainings = trainings,
            Indexes = indexes,
            Applications = applications,
            Serving = Serving(root.Map("serving")),
            Iterations = root.Map("iterations") is { } iterations ? Iterations(iterations) : null,
            Alerts = root.Map("alerts") is { } alerts ? Alerts(alerts) : null,
            Prices = root.Json("prices"),
        };
        root.Finish();
        return project;
    }

    private static DatasetDefinition Dataset(string name, YamlMap map)
    {
        var kind = map.Choice("kind", ["documents", "examples"], required: true) ?? "documents";
        var fields = map.Map("fields", required: kind == "examples");
        var definition = new DatasetDefinition
        {
            Name = name,
            Kind = kind,
            From = map.Texts("from", required: true),
            Later = map.Texts("later"),
            Recipe = map.Text("recipe") ?? (kind == "documents" ? "clean" : "tickets"),
            InputFields = fields?.Texts("input", required: true) ?? [],
            OutputFields = fields?.Texts("output", required: true) ?? [],
            Split = map.Map("split") is { } split ? Split(split) : null,
            Licence = map.Text("licence"),
            Consent = map.Text("consent"),
        };
        fields?.Finish();
        map.Finish();
        return definition;
    }

    private static SplitDefinition Split(YamlMap map)
    {
        var field = map.Text("field");
        _ = map.Choice("by", ["cluster"]);
        var test = map.Number("test", 0, 0.9);
        var validation = map.Number("validation", 0, 0.9);
        if (test + validation > 0.9)
        {
            map.Fault("test", $"test and validation together take {test + validation:0.##} of the rows; leave at least 0.1 for training.");
        }

        var split = new SplitDefinition(test ?? (field is null ? 0.2 : 0), validation ?? (field is null ? 0.1 : 0), map.Text("test_where"), field);
        map.Finish();
        return split;
    }

    private static ModelDefinition Model(YamlMap map, string directory)
    {
        var scratch = map.Choice("scratch", ["nano"]);
        var file = ExistingFile(map, "file", directory);
        if (map.Has("scratch") == map.Has("file"))
        {
            map.Fault("", "a model needs exactly one of 'scratch' (a preset such as nano) and 'file' (a GGUF file).");
        }

        var licence = map.Text("licence");
        map.Finish();
        return new ModelDefinition(scratch, file, licence);
    }

    private static TrainingDefinition Training(
        string name, YamlMap map, Dictionary<string, ModelDefinition> models, Dictionary<string, DatasetDefinition> datasets)
    {
        string[] examples = [.. datasets.Values.Where(d => d.Kind == "examples").Select(d => d.Name)];
        var training = new TrainingDefinition
        {
            Name = name,
            Base = map.Reference("base", "model", models.Keys, required: true) ?? "",
            Data = map.Reference("data", "dataset of examples", examples, required: true) ?? "",
            Method = map.Choice("method", ["sft"]) ?? "sft",
            Epochs = map.Integer("epochs", 1, 1000),
            Batch = map.Integer("batch", 1, 4096),
            LearningRate = map.Number("learning_rate", 1e-7, 1),
            Seed = map.Integer("seed", 0, int.MaxValue) ?? 1,
            Lora = map.Map("lora") is { } lora ? Lora(lora) : null,
        };
        if (training.Lora is not null && models.TryGetValue(training.Base, out var model) && model.File is null)
        {
            map.Fault("lora", $"an adapter sits on a model that is there already, but '{training.Base}' is trained from scratch: give the base a 'file', or leave 'lora' out.");
        }

        map.Finish();
        return training;
    }

    private static LoraDefinition Lora(YamlMap map)
    {
        string[] known = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
        var targets = map.Texts("targets");
        foreach (var target in targets.Where(t => !known.Contains(t)))
        {
            map.Fault("targets", $"'{target}' is not known.{NearestName.Suggest(target, known)}");
        }

        var lora = new LoraDefinition(
            map.Integer("rank", 1, 1024), map.Number("alpha", 0.001, 1e6), targets, map.Flag("rank_stabilised") ?? false, map.Number("rate_ratio", 1, 1000));
        map.Finish();
        return lora;
    }

    private static IndexDefinition Index(string name, YamlMap map, Dictionary<string, DatasetDefinition> datasets)
    {
        string[] documents = [.. datasets.Values.Where(d => d.Kind == "documents").Select(d => d.Name)];
        var index = new IndexDefinition(name, map.Reference("data", "dataset of documents", documents, required: true) ?? "");
        map.Finish();
        return index;
    }

    private static ApplicationDefinition Application(
        string name, YamlMap map, string directory, Dictionary<string, TrainingDefinition> trainings, Dictionary<string, IndexDefinition> indexes, Dictionary<string, DatasetDefinition> datasets)
    {
        var model = map.Reference("model", "training", trainings.Keys);
        var index = map.Reference("index", "index", indexes.Keys);
        if (map.Has("model") == map.Has("index"))
        {
            map.Fault("", "an application needs exactly one of 'model' (it generates) and 'index' (it quotes passages).");
        }

        var application = new ApplicationDefinition
        {
            Name = name,
            Input = ExistingFile(map, "input", directory),
            Output = ExistingFile(map, "output", directory),
            Prompt = ExistingFile(map, "prompt", directory),
            Model = model,
            Index = index,
            Suite = Suite(map, directory, datasets),
            MetricField = Metric(map),
            Gate = map.Map("gate") is { } gate ? Gate(gate) : null,
            Rollout = map.Map("rollout") is { } rollout ? Rollout(rollout) : null,
            Budget = map.Map("budget") is { } budget ? Budget(budget) : null,
        };
        if (application.Suite is { } suite)
        {
            if (model is not null && !suite.EndsWith("/test", StringComparison.Ordinal))
            {
                map.Fault("suite", $"an application over a model is evaluated on the test rows of its dataset: write '{(trainings.TryGetValue(model, out var t) ? t.Data : "DATASET")}/test' instead of '{suite}'.");
            }

            if (index is not null && application.Gate?.Minimum is null)
            {
                map.Fault("gate", "an application over an index has no rival, so its gate needs a 'minimum' between 0 and 1, for example gate: { minimum: 0.7 }.");
            }
        }

        map.Finish();
        return application;
    }

    private static string? Suite(YamlMap map, string directory, Dictionary<string, DatasetDefinition> datasets)
    {
        if (map.Text("suite") is not { } suite)
        {
            return null;
        }

        if (suite.EndsWith("/test", StringComparison.Ordinal))
        {
            var dataset = suite[..^"/test".Length];
            if (!datasets.TryGetValue(dataset, out var definition))
            {
                map.Fault("suite", $"there is no dataset '{dataset}'.{NearestName.Suggest(dataset, datasets.Keys)}");
            }
            else if (definition.Split is null)
            {
                map.Fault("suite", $"the dataset '{dataset}' has no 'split', so it has no test rows.");
            }

            return suite;
        }

        return ExistingFile(map, "suite", directory);
    }

    private static string? Metric(YamlMap map)
    {
        if (map.Text("metric") is not { } metric)
        {
            return null;
        }

        var match = MetricPattern().Match(metric);
        if (match.Success)
        {
            return match.Groups[1].Value;
        }

        map.Fault("metric", $"'{metric}' is not known. Write exact_match(FIELD), with a field of the output schema.");
        return null;
    }

    private static GateDefinition Gate(YamlMap map)
    {
        _ = map.Choice("against", ["live"]);
        var gate = new GateDefinition(
            map.Number("margin", 0.0001, 0.5) ?? 0.02, map.Number("alpha", 0.0001, 0.5) ?? 0.05, map.Number("power", 0.5, 0.999) ?? 0.8, map.Number("minimum", 0, 1),
            map.Map("approvals") is { } approvals ? Approvals(approvals) : null, map.Number("stratum_margin", 0.0001, 0.5));
        map.Finish();
        return gate;
    }

    private static Dictionary<string, int> Approvals(YamlMap map)
    {
        var roles = map.Keys.ToDictionary(role => role, role => map.Integer(role, 1, 20) ?? 1, StringComparer.Ordinal);
        if (roles.Count == 0)
        {
            map.Fault("", "names no role; write who must agree and how many of them, for example approvals: { safety: 1, owner: 1 }.");
        }

        map.Finish();
        return roles;
    }

    private static RolloutDefinition Rollout(YamlMap map)
    {
        List<double> shares = [];
        foreach (var text in map.Texts("canary"))
        {
            if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var share) || !(share > 0 && share < 1) || (shares.Count > 0 && share <= shares[^1]))
            {
                map.Fault("canary", $"must be rising shares between 0 and 1 such as [0.05, 0.25, 0.5], but has '{text}'.");
                break;
            }

            shares.Add(share);
        }

        List<string> signals = [];
        foreach (var text in map.Texts("signals"))
        {
            if (text is not ("failures" or "feedback"))
            {
                map.Fault("signals", $"'{text}' is not a signal; write failures, feedback or both.");
                break;
            }

            signals.Add(text);
        }

        var rollout = new RolloutDefinition(
            shares.Count == 0 ? [0.05, 0.25, 0.5] : shares,
            map.Integer("requests", 1, 1_000_000) ?? 50,
            Duration(map, "step_time") ?? TimeSpan.Zero,
            Duration(map, "limit") ?? TimeSpan.FromDays(7),
            map.Number("margin", 0.001, 0.5) ?? 0.02,
            map.Number("alpha", 0.0001, 0.5) ?? 0.05,
            signals.Count == 0 ? ["failures"] : signals,
            map.Choice("at_limit", ["hold", "abort"]) ?? "hold",
            map.Integer("shadow", 1, 1_000_000) ?? 0);
        map.Finish();
        return rollout;
    }

    private static TimeSpan? Duration(YamlMap map, string key)
    {
        if (map.Text(key) is not { } text)
        {
            return null;
        }

        var match = DurationPattern().Match(text);
        if (match.Success && double.TryParse(match.Groups[1].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var amount) && amount is > 0 and < 100_000)
        {
            return match.Groups[2].Value switch
            {
                "s" => TimeSpan.FromSeconds(amount),
                "m" => TimeSpan.FromMinutes(amount),
                "h" => TimeSpan.FromHours(amount),
                _ => TimeSpan.FromDays(amount),
            };
        }

        map.Fault(key, $"must be a time such as 30s, 10m, 12h or 7d, but is '{text}'.");
        return null;
    }

    private static BudgetDefinition? Budget(YamlMap map)
    {
        if (map.Has("month") && map.Has("day"))
        {
            map.Fault("day", "a budget has one window: keep 'month' or 'day'.");
        }

        foreach (var window in new[] { "month", "day" })
        {
            if (map.Text(window) is not { } text)
            {
                continue;
            }

            map.Finish();
            var match = MoneyPattern().Match(text);
            if (match.Success && decimal.TryParse(match.Groups[1].Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount))
            {
                return new BudgetDefinition(window, amount, match.Groups[2].Value);
            }

            map.Fault(window, $"must be an amount and a currency such as '200 CNY', but is '{text}'.");
            return null;
        }

        map.Fault("", "a budget needs a window: 'month: 200 CNY' or 'day: 10 CNY'.");
        return null;
    }

    private static IterationsDefinition Iterations(YamlMap map)
    {
        var iterations = new IterationsDefinition(Duration(map, "every") ?? TimeSpan.FromDays(1), map.Integer("corrections", 1, 1_000_000) ?? 20);
        map.Finish();
        return iterations;
    }

    private static AlertsDefinition? Alerts(YamlMap map)
    {
        var address = map.Text("webhook", required: true);
        var secret = map.Text("secret_env", required: true);
        map.Finish();
        if (address is null || secret is null)
        {
            return null;
        }

        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            map.Fault("webhook", $"must be an address such as https://example.org/hooks/lauter, but is '{address}'.");
            return null;
        }

        return new AlertsDefinition(uri, secret);
    }

    private static ServingDefinition Serving(YamlMap? map)
    {
        var listen = map?.Text("listen") ?? "http://127.0.0.1:5080";
        if (!Uri.TryCreate(listen, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            map?.Fault("listen", $"must be an address such as http://127.0.0.1:5080, but is '{listen}'.");
        }

        map?.Finish();
        return new ServingDefinition(listen);
    }

    private static string? ExistingFile(YamlMap map, string key, string directory)
    {
        if (map.Text(key) is not { } relative)
        {
            return null;
        }

        if (!File.Exists(Path.Combine(directory, relative)))
        {
            var folder = Path.GetDirectoryName(Path.Combine(directory, relative));
            string[] beside = Directory.Exists(folder)
                ? [.. Directory.EnumerateFiles(folder).Select(f => Path.GetRelativePath(directory, f).Replace('\\', '/'))]
                : [];
            map.Fault(key, $"the file '{relative}' was not found in the project.{(beside.Length == 0 ? "" : NearestName.Suggest(relative, beside))}");
        }

        return relative;
    }

    [GeneratedRegex("^([0-9]+(?:\\.[0-9]+)?)(s|m|h|d)$")]
    private static partial Regex DurationPattern();

    [GeneratedRegex("^[a-z0-9][a-z0-9-]{0,63}$")]
    private static partial Regex NamePattern();

    [GeneratedRegex(@"^exact_match\(([A-Za-z_][A-Za-z0-9_]*)\)$")]
    private static partial Regex MetricPattern();

    [GeneratedRegex(@"^([0-9]+(?:\.[0-9]+)?)\s*([A-Z]{3})$")]
    private static partial Regex MoneyPattern();
}
