using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;

namespace Lauter.Terminal;

/// <summary>One line about the output of a step, from the facts in its manifest.</summary>
internal static class StepSummary
{
    /// <summary>The line; empty for a kind without one.</summary>
    public static string Of(Manifest manifest)
    {
        var facts = manifest.Facts;
        return manifest.Kind switch
        {
            "documents-raw" => $"{Count(facts, "documents")} documents read, {Count(facts, "rejected")} rejected",
            "dataset" => $"{Count(facts, "rows")} rows kept of {Count(facts, "in")}{Splits(facts)}",
            "index" => $"{Count(facts, "chunks")} chunks, {Count(facts, "dimensions")}-dimensional vectors",
            "model" => $"{Number(facts, "parameters") / 1e6:0.0} M parameters, validation loss {Number(facts, "validationLoss"):0.000}",
            "parity" => $"largest log-probability difference {Number(facts, "largestDifference"):0.0000}, greedy text {(facts["greedyEqual"]?.GetValue<bool>() == true ? "equal" : "differs")}",
            "nearest" => $"{Count(facts, "rows")} labelled examples",
            "suite" => $"{Count(facts, "items")} frozen items",
            "scorecard" => Score(facts),
            "gate" => $"{facts["verdict"]}: {facts["summary"]}",
            _ => "",
        };
    }

    private static string Score(JsonObject facts) =>
        facts["value"] is null ? "" : $"{facts["metric"]} {Number(facts, "value"):0.0000} [{Number(facts, "low"):0.0000}, {Number(facts, "high"):0.0000}], n = {Count(facts, "items")}";

    private static string Splits(JsonObject facts) =>
        facts["splits"] is JsonObject splits ? $" ({string.Join(", ", splits.Select(s => $"{s.Value} {s.Key}"))})" : "";

    private static string Count(JsonObject facts, string name) => ManifestFacts.Count(facts[name]) is { } value ? $"{value:#,0}" : "?";

    private static double Number(JsonObject facts, string name) => ManifestFacts.Number(facts[name]) ?? double.NaN;
}
