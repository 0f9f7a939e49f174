using System.Text.Json.Nodes;
using Lauter.Catalog.Projects;

namespace Lauter.Data.Operators;

/// <summary>One operator with all its arguments.</summary>
/// <param name="Spec">What it is.</param>
/// <param name="Arguments">Every argument, defaults written out.</param>
public sealed record OperatorCall(OperatorSpec Spec, JsonObject Arguments)
{
    /// <summary>Full names of the files that arguments of the form File or Files name, in their order.</summary>
    internal IReadOnlyDictionary<string, IReadOnlyList<string>> FileNames { get; init; } = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);

    /// <summary>What the recipe may refer to.</summary>
    internal RecipeContext Context { get; init; } = new();

    internal IReadOnlyList<string> Files(string name) => FileNames.GetValueOrDefault(name) ?? [];

    internal string? File(string name) => Files(name) is [var file] ? file : null;

    internal IReadOnlyDictionary<string, string> Map(string name) => Arguments[name]!.AsObject().ToDictionary(m => m.Key, m => m.Value!.GetValue<string>(), StringComparer.Ordinal);

    internal IReadOnlyDictionary<string, double> Weights(string name) => Arguments[name]!.AsObject().ToDictionary(m => m.Key, m => m.Value!.GetValue<double>(), StringComparer.Ordinal);

    internal double Number(string name) => Arguments[name]!.GetValue<double>();

    internal double Number(string name, string language) => Arguments[name]![language]!.GetValue<double>();

    internal string Choice(string name) => Arguments[name]!.GetValue<string>();

    internal string Text(string name) => Arguments[name]!.GetValue<string>();

    internal IReadOnlyList<string> Choices(string name) => [.. Arguments[name]!.AsArray().Select(n => n!.GetValue<string>())];
}

/// <summary>What came of reading a recipe: a recipe, or every fault of the file at once.</summary>
/// <param name="Recipe">Null when there are faults.</param>
/// <param name="Faults">With line and column.</param>
public sealed record RecipeResult(Recipe? Recipe, IReadOnlyList<YamlFault> Faults);

/// <summary>An ordered list of operators: edits first, then what drops rows. Immutable.</summary>
public sealed class Recipe
{
    internal Recipe(string name, IReadOnlyList<OperatorCall> operators) => (Name, Operators) = (name, operators);

    /// <summary>File name without extension.</summary>
    public string Name { get; }

    /// <summary>In the order of the file.</summary>
    public IReadOnlyList<OperatorCall> Operators { get; }

    /// <summary>Reads a recipe from YAML: <c>operators:</c> with one entry an operator. Never throws on bad text.</summary>
    /// <param name="name">Shown to people.</param>
    /// <param name="yaml">The recipe.</param>
    /// <param name="context">What it may refer to; without it files are looked for in the current directory, and no model's tokens can be counted.</param>
    public static RecipeResult Parse(string name, string yaml, RecipeContext? context = null) => new RecipeReader(context ?? new RecipeContext()).Read(name, yaml);

    /// <summary>The built-in recipe of this name, or null. <see cref="BuiltInNames"/> lists them.</summary>
    public static Recipe? BuiltIn(string name)
    {
        using var stream = typeof(Recipe).Assembly.GetManifestResourceStream(ResourcePrefix + name + ".yaml");
        if (stream is null)
        {
            return null;
        }

        using var reader = new StreamReader(stream);
        var result = Parse(name, reader.ReadToEnd());
        return result.Recipe ?? throw new InvalidOperationException($"The built-in recipe '{name}' has faults: {string.Join("; ", result.Faults)}");
    }

    /// <summary>Names that <see cref="BuiltIn"/> knows.</summary>
    public static IReadOnlyList<string> BuiltInNames { get; } =
    [
        .. typeof(Recipe).Assembly.GetManifestResourceNames().Where(n => n.StartsWith(ResourcePrefix, StringComparison.Ordinal))
            .Select(n => n[ResourcePrefix.Length..^".yaml".Length]).Order(StringComparer.Ordinal),
    ];

    private const string ResourcePrefix = "Lauter.Data.Recipes.";

    /// <summary>Everything that decides the result, for step keys: operators with versions and all arguments. The name is not part of it.</summary>
    public JsonObject ToJson() => new() { ["operators"] = new JsonArray([.. Operators.Select(ToJson)]) };

    /// <summary>Only the part that reads text (edits, and how near-copies are measured): while it stays the same, stored scores are used again.</summary>
    public JsonObject MeasureJson()
    {
        var operators = Operators.Where(o => o.Spec.Kind == OperatorKind.Edit).Select(ToJson).ToList();
        if (Find(OperatorCatalog.DropNearDuplicates) is { } near)
        {
            var node = ToJson(near);
            node["arguments"]!.AsObject().Remove("threshold");
            operators.Add(node);
        }

        return new JsonObject { ["measures"] = new JsonArray([.. Measures.MeasurePlan.All.Measures.Select(m => (JsonNode)$"{m.Name}.{m.Version}")]), ["operators"] = new JsonArray([.. operators]) };
    }

    /// <summary>Operators that a project's dataset can't run: they need plain rows, so <c>lauter data run</c> runs them.</summary>
    /// <param name="documents">True for documents, false for examples.</param>
    public IReadOnlyList<string> RowsOnly(bool documents) => [.. Operators.Where(o => !(documents ? o.Spec.Documents : o.Spec.Examples)).Select(o => o.Spec.Name)];

    internal OperatorCall? Find(string name) => Operators.FirstOrDefault(o => o.Spec.Name == name);

    private static JsonNode ToJson(OperatorCall call) =>
        new JsonObject { ["name"] = call.Spec.Name, ["version"] = call.Spec.Version, ["arguments"] = call.Arguments.DeepClone() };
}
