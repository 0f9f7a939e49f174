using System.Text.Json;
using Lauter.Inference.Adapters;
using Lauter.Inference.Grammars;
using Lauter.Inference.Prefixes;
using Lauter.Inference.Sampling;
using Lauter.Inference.Scheduler;

namespace Lauter.Inference.Wire;

/// <summary>The members that chat and text completions share.</summary>
internal sealed record GenerationSettings(
    SamplingOptions Sampling, IReadOnlyList<string> Stops, int? MaxTokens, int Count, bool Stream, bool IncludeUsage, PrefixKey Key, LoadedAdapter? Adapter, int Priority)
{
    /// <summary>One of the answers; each draws from a seed of its own.</summary>
    public GenerationJob Job(int index, int[] prompt, int maxTokens, AnswerConstraint? constraint, CancellationToken cancelled, int promptLogProbabilities = -1) => new()
    {
        Prompt = prompt,
        Sampling = index == 0 || Sampling.Seed is not { } seed ? Sampling : Sampling with { Seed = unchecked(seed + (ulong)index) },
        MaxTokens = maxTokens,
        Key = Key,
        Adapter = Adapter,
        Priority = Priority,
        Stops = Stops,
        Constraint = constraint,
        PromptLogProbabilities = promptLogProbabilities,
        Cancelled = cancelled,
    };
}

/// <summary>Reads them within limits that keep one request from hurting others.</summary>
internal static class GenerationReader
{
    public const int MostStops = 16;
    public const int LongestStop = 256;
    public const int MostTokens = 1_048_576;
    public const int LongestText = 4_000_000;
    public const int MostAnswers = 128;

    public static GenerationSettings Read(WireReader body, EngineContext engine, string tenant, int topLogProbabilities)
    {
        body.Refuse("logit_bias", value => value.ValueKind == JsonValueKind.Object, "It must be an object of token ids and numbers.");
        var sampling = new SamplingOptions
        {
            Temperature = body.Number("temperature", 0, 2) ?? 1,
            TopP = body.Number("top_p", 0, 1) ?? 1,
            TopK = body.Integer("top_k", -1, 1_000_000) is { } k and > 0 ? k : 0,
            MinP = body.Number("min_p", 0, 1) ?? 0,
            FrequencyPenalty = body.Number("frequency_penalty", -2, 2) ?? 0,
            PresencePenalty = body.Number("presence_penalty", -2, 2) ?? 0,
            RepeatPenalty = body.Number("repeat_penalty", 0.01, 2) ?? 1,
            LogitBias = ReadBias(body),
            Seed = ReadSeed(body),
            TopLogProbabilities = topLogProbabilities,
        };
        var stream = body.Flag("stream");
        var most = body.Integer("max_completion_tokens", 0, MostTokens) ?? body.Integer("max_tokens", 0, MostTokens);
        var adapter = ReadAdapter(body, engine);
        return new GenerationSettings(
            sampling,
            ReadStops(body),
            most,
            body.Integer("n", 1, MostAnswers) ?? 1,
            stream,
            body.Object("stream_options") is { } options && options.Flag("include_usage"),
            new PrefixKey(tenant, adapter?.Key ?? "", engine.Chat.Version, body.Text("cache_salt", 256) ?? ""),
            adapter,
            ReadPriority(body));
    }

    /// <summary>An adapter is asked for as a model. Without adapters any name means the one model there is, as callers name it in many ways.</summary>
    private static LoadedAdapter? ReadAdapter(WireReader body, EngineContext engine)
    {
        var adapters = engine.Generation!.Adapters;
        if (body.Text("model", 256) is not { } name || name == engine.ModelId)
        {
            return null;
        }

        return adapters.Find(name) ?? (adapters.All.Count == 0 || name == "engine"
            ? null
            : throw new WireException(404, "model_not_found", $"There is no model '{name}' here; there are {string.Join(", ", adapters.All.Select(adapter => adapter.Name).Prepend(engine.ModelId))}.", "model"));
    }

    /// <summary>OpenAI's service tiers, or a number of our own.</summary>
    private static int ReadPriority(WireReader body) => body.Integer("priority", -8, 8) ?? body.Text("service_tier", 32) switch
    {
        "flex" => -1,
        "priority" => 1,
        _ => 0,
    };

    private static List<string> ReadStops(WireReader body)
    {
        if (body.Member("stop") is not { } value)
        {
            return [];
        }

        if (value.ValueKind is not (JsonValueKind.String or JsonValueKind.Array))
        {
            throw WireException.Invalid("stop", $"'stop' must be a string or an array of strings, not {WireReader.Kind(value)}.", "invalid_type");
        }

        JsonElement[] items = value.ValueKind == JsonValueKind.String ? [value] : [.. value.EnumerateArray().Take(MostStops + 1)];
        if (items.Length > MostStops)
        {
            throw WireException.Invalid("stop", $"'stop' holds more than {MostStops} strings.", "array_above_max_length");
        }

        var stops = new List<string>();
        foreach (var item in items)
        {
            if (item.ValueKind != JsonValueKind.String || item.GetRawText().Length == 2)
            {
                throw WireException.Invalid("stop", "Each entry of 'stop' must be a string that is not empty.");
            }

            stops.Add(WireReader.Checked(item, "stop", LongestStop));
        }

        return stops;
    }

    private static Dictionary<int, float>? ReadBias(WireReader body)
    {
        if (body.Member("logit_bias") is not { } value)
        {
            return null;
        }

        var biases = new Dictionary<int, float>();
        foreach (var property in value.EnumerateObject())
        {
            if (biases.Count == 1024 || !int.TryParse(property.Name, out var id) || id < 0
                || property.Value.ValueKind != JsonValueKind.Number || property.Value.GetDouble() is < -100 or > 100)
            {
                throw WireException.Invalid("logit_bias", "'logit_bias' must hold at most 1024 pairs of a token id and a number from -100 to 100.");
            }

            biases[id] = property.Value.GetSingle();
        }

        return biases;
    }

    private static ulong? ReadSeed(WireReader body)
    {
        if (body.Member("seed") is not { } value)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var signed))
        {
            return unchecked((ulong)signed);
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out var unsigned)
            ? unsigned
            : throw WireException.Invalid("seed", "'seed' must be an integer of at most 64 bits.");
    }
}
