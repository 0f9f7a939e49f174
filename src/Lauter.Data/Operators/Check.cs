using System.Text.Json.Nodes;

namespace Lauter.Data.Operators;

/// <summary>Compares one measured number with one threshold.</summary>
/// <param name="Argument">Name of the threshold in a recipe.</param>
/// <param name="Column">What is compared.</param>
/// <param name="IsLeast">True: the value must not be smaller; false: it must not be larger.</param>
/// <param name="Reason">Code of the drop, stable.</param>
/// <param name="What">What the number counts, for a person.</param>
/// <param name="English">Default for English.</param>
/// <param name="Chinese">Default for Chinese.</param>
/// <param name="Other">Default for texts of no recognised language.</param>
/// <param name="Lowest">Lowest threshold that makes sense.</param>
/// <param name="Highest">Highest threshold that makes sense.</param>
internal sealed record Check(string Argument, string Column, bool IsLeast, string Reason, string What, double English, double Chinese, double Other, double Lowest, double Highest)
{
    public ArgumentSpec ToArgument() => new(
        Argument, ArgumentForm.NumberByLanguage, new JsonObject { ["en"] = English, ["zh"] = Chinese, ["und"] = Other }, Lowest, Highest, [],
        $"{(IsLeast ? "Least" : "Most")} {What}.");
}

/// <summary>An operator that drops texts by measured numbers; the first failing check in order gives the reason.</summary>
/// <param name="Spec">As recipes name it.</param>
/// <param name="Checks">In order.</param>
internal sealed record DropOperator(OperatorSpec Spec, IReadOnlyList<Check> Checks)
{
    /// <summary>Opens what the measure behind the checks needs, once, and gives a maker of measures for workers; null: a plain measure has the columns.</summary>
    public Func<OperatorCall, Func<Measures.Measure>>? Measure { get; init; }

    /// <summary>An operator over a measure that needs arguments of its own; for plain rows only.</summary>
    public static DropOperator Configured(string name, int version, string summary, Func<OperatorCall, Func<Measures.Measure>> measure, IReadOnlyList<ArgumentSpec> arguments, params Check[] checks) =>
        new(new OperatorSpec(name, version, OperatorKind.Drop, false, false, summary, [.. arguments, .. checks.Select(c => c.ToArgument())]), checks) { Measure = measure };

    public DropOperator(string name, int version, string summary, params Check[] checks)
        : this(new OperatorSpec(name, version, OperatorKind.Drop, true, true, summary, [.. checks.Select(c => c.ToArgument())]), checks)
    {
    }
}
