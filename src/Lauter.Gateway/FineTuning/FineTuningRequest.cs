using System.Text.Json;
using Lauter.Gateway.Api;

namespace Lauter.Gateway.FineTuning;

/// <summary>The body of <c>POST /v1/fine_tuning/jobs</c>, checked.</summary>
internal sealed record FineTuningRequest(
    string Model, string TrainingFile, string? ValidationFile, string Method, int? Epochs, int? BatchSize, double? LearningRateMultiplier, double? Beta, long? Seed, string? Suffix,
    Dictionary<string, string>? Metadata)
{
    private const int MostMetadata = 16;

    /// <summary>Reads it, or says what is wrong. Both places of hyperparameters are read, the old one and the method's.</summary>
    public static (FineTuningRequest? Request, OpenAiError? Error) Read(JsonMembers members, IReadOnlyList<string> models)
    {
        if (members.Text("model") is not { } model || !models.Contains(model, StringComparer.Ordinal))
        {
            return Wrong("model_not_found", $"'model' must be one of the models that can be fine-tuned here: {string.Join(", ", models)}.", "model");
        }

        if (members.Text("training_file") is not { } file)
        {
            return Wrong("missing_required_parameter", "'training_file' is missing: the id of an uploaded file.", "training_file");
        }

        if (members.Element("integrations") is { ValueKind: JsonValueKind.Array } integrations && integrations.GetArrayLength() > 0)
        {
            return Wrong("unsupported_value", "'integrations' are not supported; read the job's events instead.", "integrations");
        }

        if (members.Text("suffix") is { } suffix && (suffix.Length is 0 or > 64 || suffix.AsSpan().IndexOfAnyExcept(Letters) >= 0))
        {
            return Wrong("invalid_value", "'suffix' has 1 to 64 letters, digits, hyphens, dots and underscores.", "suffix");
        }

        var (method, hyperparameters, methodError) = MethodOf(members);
        if (methodError is not null)
        {
            return (null, methodError);
        }

        List<string> faults = [];
        var request = new FineTuningRequest(
            model, file, members.Text("validation_file"), method,
            (int?)Number(hyperparameters, "n_epochs", 1, 50, whole: true, faults),
            (int?)Number(hyperparameters, "batch_size", 1, 256, whole: true, faults),
            Number(hyperparameters, "learning_rate_multiplier", 1e-3, 100, whole: false, faults),
            method == "dpo" ? Number(hyperparameters, "beta", 0, 2, whole: false, faults) : null,
            members.IsSet("seed") ? members.Integer("seed") ?? -1 : null,
            members.Text("suffix"),
            MetadataOf(members));
        if (request.Seed is < 0 or > int.MaxValue)
        {
            faults.Add("'seed' must be a whole number from 0 to 2147483647.");
        }

        return faults.Count == 0 ? (request, null) : Wrong("invalid_value", string.Join(' ', faults), "hyperparameters");
    }

    private static System.Buffers.SearchValues<char> Letters { get; } = System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._");

    private static (string Method, JsonElement? Hyperparameters, OpenAiError? Error) MethodOf(JsonMembers members)
    {
        var old = members.Element("hyperparameters") is { ValueKind: JsonValueKind.Object } given ? given : (JsonElement?)null;
        if (members.Element("method") is not { ValueKind: JsonValueKind.Object } method)
        {
            return ("supervised", old, null);
        }

        if (!method.TryGetProperty("type", out var type) || type.ValueKind != JsonValueKind.String || type.GetString() is not ("supervised" or "dpo"))
        {
            return ("", null, OpenAiError.BadRequest("unsupported_value", "'method.type' must be supervised or dpo.", "method.type"));
        }

        var name = type.GetString()!;
        var own = method.TryGetProperty(name, out var section) && section.ValueKind == JsonValueKind.Object && section.TryGetProperty("hyperparameters", out var values) && values.ValueKind == JsonValueKind.Object
            ? values : (JsonElement?)null;
        return (name, own ?? old, null);
    }

    /// <summary>A number, or null for "auto" and nothing.</summary>
    private static double? Number(JsonElement? section, string name, double least, double most, bool whole, List<string> faults)
    {
        if (section is not { } map || !map.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null || (value.ValueKind == JsonValueKind.String && value.GetString() == "auto"))
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Number && value.GetDouble() is var number && number >= least && number <= most && (!whole || Math.Floor(number) == number))
        {
            return number;
        }

        faults.Add($"'{name}' must be \"auto\" or {(whole ? "a whole number" : "a number")} from {least} to {most}.");
        return null;
    }

    private static Dictionary<string, string>? MetadataOf(JsonMembers members) =>
        members.Element("metadata") is { ValueKind: JsonValueKind.Object } map
            ? map.EnumerateObject().Where(m => m.Value.ValueKind == JsonValueKind.String).Take(MostMetadata).GroupBy(m => m.Name, StringComparer.Ordinal)
                .ToDictionary(g => g.Key[..Math.Min(64, g.Key.Length)], g => g.First().Value.ToString() is { Length: > 512 } text ? text[..512] : g.First().Value.ToString(), StringComparer.Ordinal)
            : null;

    private static (FineTuningRequest?, OpenAiError) Wrong(string code, string message, string param) => (null, OpenAiError.BadRequest(code, message, param));
}
