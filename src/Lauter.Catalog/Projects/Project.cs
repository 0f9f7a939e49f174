using System.Text.Json.Nodes;

namespace Lauter.Catalog.Projects;

/// <summary>A project directory and what its <c>lauter.yaml</c> asks for.</summary>
public sealed record Project
{
    /// <summary>The name; lower-case letters, digits and hyphens.</summary>
    public required string Name { get; init; }

    /// <summary>The full path of the directory that holds <c>lauter.yaml</c>.</summary>
    public required string Directory { get; init; }

    /// <summary>Where everything that Lauter makes is kept: <c>.lauter</c> in the project.</summary>
    public string StateDirectory => Path.Combine(Directory, ".lauter");

    /// <summary>Datasets by name.</summary>
    public required IReadOnlyDictionary<string, DatasetDefinition> Datasets { get; init; }

    /// <summary>Base models by name.</summary>
    public required IReadOnlyDictionary<string, ModelDefinition> Models { get; init; }

    /// <summary>Trainings by name; each yields a model of the same name.</summary>
    public required IReadOnlyDictionary<string, TrainingDefinition> Trainings { get; init; }

    /// <summary>Indexes by name.</summary>
    public required IReadOnlyDictionary<string, IndexDefinition> Indexes { get; init; }

    /// <summary>Applications by name.</summary>
    public required IReadOnlyDictionary<string, ApplicationDefinition> Applications { get; init; }

    /// <summary>Where and how it is served.</summary>
    public required ServingDefinition Serving { get; init; }

    /// <summary>When iterations begin by themselves; null: only by <c>lauter iterate</c>.</summary>
    public IterationsDefinition? Iterations { get; init; }

    /// <summary>Where alerts go; null: they are kept and shown only.</summary>
    public AlertsDefinition? Alerts { get; init; }

    /// <summary>The section <c>prices</c> as the ledger reads it; null when the built-in assumptions are to be used.</summary>
    public JsonObject? Prices { get; init; }
}

/// <summary>Sources and a recipe that make a dataset.</summary>
public sealed record DatasetDefinition
{
    /// <summary>The key in the file.</summary>
    public required string Name { get; init; }

    /// <summary><c>documents</c> or <c>examples</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Globs relative to the project (<c>**</c> crosses directories).</summary>
    public required IReadOnlyList<string> From { get; init; }

    /// <summary>Globs of rows that arrive after the first release; they join the dataset at the next iteration.</summary>
    public required IReadOnlyList<string> Later { get; init; }

    /// <summary>The recipe's name: <c>recipes/NAME.yaml</c>, else a built-in one.</summary>
    public required string Recipe { get; init; }

    /// <summary>Fields of a row that an application receives.</summary>
    public required IReadOnlyList<string> InputFields { get; init; }

    /// <summary>Fields of a row that an application answers.</summary>
    public required IReadOnlyList<string> OutputFields { get; init; }

    /// <summary>How rows are divided; null when they are not.</summary>
    public SplitDefinition? Split { get; init; }

    /// <summary>Under which licence the sources may be used, in the user's words or as an SPDX name; null when not stated.</summary>
    public string? Licence { get; init; }

    /// <summary>On which consent or other ground they are used, for example "customers' contract, §7"; null when not stated.</summary>
    public string? Consent { get; init; }
}

/// <summary>Shares of a split by duplicate cluster.</summary>
/// <param name="Test">Share of all rows, 0 to 0.9.</param>
/// <param name="Validation">Share of all rows, 0 to 0.9.</param>
/// <param name="TestWhere">A boolean field that every row of a cluster must carry as true for the cluster to be tested on; null: no such rule.</param>
/// <param name="Field">A field that holds the split's name itself (<c>train</c>, <c>validation</c>, <c>test</c>); null: shares decide.</param>
public sealed record SplitDefinition(double Test, double Validation, string? TestWhere, string? Field);

/// <summary>A base model: exactly one member is set.</summary>
/// <param name="Scratch">A preset that starts from random weights, for example <c>nano</c>.</param>
/// <param name="File">A GGUF file relative to the project.</param>
/// <param name="Licence">Under which licence the file may be used; null: what the file itself states.</param>
public sealed record ModelDefinition(string? Scratch, string? File, string? Licence = null);

/// <summary>One training.</summary>
public sealed record TrainingDefinition
{
    /// <summary>The key in the file; also the name of the model it makes.</summary>
    public required string Name { get; init; }

    /// <summary>The base model.</summary>
    public required string Base { get; init; }

    /// <summary>The dataset of examples.</summary>
    public required string Data { get; init; }

    /// <summary><c>sft</c>.</summary>
    public required string Method { get; init; }

    /// <summary>Passes over the training rows; null: the preset's default.</summary>
    public int? Epochs { get; init; }

    /// <summary>Examples in one optimiser step; null: the preset's default. More examples a step suit large datasets of short rows.</summary>
    public int? Batch { get; init; }

    /// <summary>Peak learning rate; null: the preset's default.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Seed of weights and batch order.</summary>
    public int Seed { get; init; }

    /// <summary>An adapter on the frozen base; null trains every weight.</summary>
    public LoraDefinition? Lora { get; init; }
}

/// <summary>A low-rank adapter; null members take the defaults of the training room.</summary>
/// <param name="Rank">Inner size.</param>
/// <param name="Alpha">Strength; the update is scaled by alpha ÷ rank.</param>
/// <param name="Targets">Projections that get one, such as <c>q_proj</c>; empty = all.</param>
/// <param name="RankStabilised">Whether the scale is alpha ÷ √rank.</param>
/// <param name="RateRatio">Learning rate of B as a multiple of A's.</param>
public sealed record LoraDefinition(int? Rank, double? Alpha, IReadOnlyList<string> Targets, bool RankStabilised, double? RateRatio);

/// <summary>An index over a dataset of documents.</summary>
/// <param name="Name">The key in the file.</param>
/// <param name="Data">The dataset.</param>
public sealed record IndexDefinition(string Name, string Data);

/// <summary>A named endpoint.</summary>
public sealed record ApplicationDefinition
{
    /// <summary>The key in the file: what a caller writes as <c>model</c>.</summary>
    public required string Name { get; init; }

    /// <summary>JSON Schema file of the input; null for free text.</summary>
    public string? Input { get; init; }

    /// <summary>JSON Schema file of the output; null for free text.</summary>
    public string? Output { get; init; }

    /// <summary>Prompt template file.</summary>
    public string? Prompt { get; init; }

    /// <summary>The training whose model answers; null for an application over an index.</summary>
    public string? Model { get; init; }

    /// <summary>The index whose passages answer; null for an application over a model.</summary>
    public string? Index { get; init; }

    /// <summary><c>DATASET/test</c>, or a JSONL file of questions; null when the application is not evaluated.</summary>
    public string? Suite { get; init; }

    /// <summary>The field that decides, from <c>exact_match(FIELD)</c>.</summary>
    public string? MetricField { get; init; }

    /// <summary>The gate.</summary>
    public GateDefinition? Gate { get; init; }

    /// <summary>How a new release takes over from the live one; null: at once, when its gate passed.</summary>
    public RolloutDefinition? Rollout { get; init; }

    /// <summary>The budget.</summary>
    public BudgetDefinition? Budget { get; init; }
}

/// <summary>When a candidate may serve.</summary>
/// <param name="Margin">How much worse than the live release it may be, as a share (0.02 = two points).</param>
/// <param name="Alpha">Risk of letting a worse one pass.</param>
/// <param name="Power">Chance of passing an equal one, for planning.</param>
/// <param name="Minimum">For an application without a rival: the lower bound its metric must reach.</param>
/// <param name="Approvals">How many different people of each role must have agreed; null for none.</param>
/// <param name="StratumMargin">How much worse it may be in each language, shown; null: a language only stops it when it is shown to be worse.</param>
public sealed record GateDefinition(
    double Margin, double Alpha, double Power, double? Minimum, IReadOnlyDictionary<string, int>? Approvals = null, double? StratumMargin = null);

/// <summary>How a new release takes over, step by step.</summary>
/// <param name="Canary">Share of the requests in each step, rising, each above 0 and below 1.</param>
/// <param name="Requests">Answers that each step must see.</param>
/// <param name="StepTime">Shortest time of a step.</param>
/// <param name="Limit">Longest time until the decision.</param>
/// <param name="Margin">How much more often than the live release it may be bad, as a share.</param>
/// <param name="Alpha">Risk of a false alarm, and of a false promotion.</param>
/// <param name="Signals"><c>failures</c>, <c>feedback</c>.</param>
/// <param name="AtLimit"><c>hold</c> or <c>abort</c>.</param>
/// <param name="Shadow">Requests that are mirrored to the candidate, judged and never answered, before the first step; 0 = none.</param>
public sealed record RolloutDefinition(
    IReadOnlyList<double> Canary, int Requests, TimeSpan StepTime, TimeSpan Limit, double Margin, double Alpha, IReadOnlyList<string> Signals, string AtLimit, int Shadow = 0);

/// <summary>A limit in a window.</summary>
/// <param name="Window"><c>month</c> or <c>day</c>.</param>
/// <param name="Amount">In units of the currency.</param>
/// <param name="Currency">ISO 4217.</param>
public sealed record BudgetDefinition(string Window, decimal Amount, string Currency);

/// <summary>When a serving project turns corrections into the next release by itself.</summary>
/// <param name="Every">Shortest time between the beginnings of two iterations.</param>
/// <param name="Corrections">Corrections that must have come in since the last one.</param>
public sealed record IterationsDefinition(TimeSpan Every, int Corrections);

/// <summary>Where alerts go.</summary>
/// <param name="Webhook">An http or https address that takes a POST.</param>
/// <param name="SecretVariable">The environment variable that holds the secret of the signature.</param>
public sealed record AlertsDefinition(Uri Webhook, string SecretVariable);

/// <summary>How the project is served.</summary>
/// <param name="Listen">The address of the gateway and the console.</param>
public sealed record ServingDefinition(string Listen);
