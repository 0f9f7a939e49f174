using System.Text.Json;
using Lauter.Models.Safetensors;

namespace Lauter.Models.Peft;

/// <summary>Reads a PEFT folder. Settings that would change the result and are not understood are refused, never skipped.</summary>
internal static class PeftReader
{
    public const string ConfigName = "adapter_config.json";
    public const string WeightsName = "adapter_model.safetensors";
    public const string Prefix = "base_model.model.";
    public const string A = ".lora_A.weight";
    public const string B = ".lora_B.weight";
    public const string Magnitude = ".lora_magnitude_vector";

    private const long MostConfigBytes = 16 << 20;
    private const int MostRank = 65_536;

    public static PeftAdapter Read(string folder)
    {
        string config = Path.Combine(folder, ConfigName), weights = Path.Combine(folder, WeightsName);
        if (new FileInfo(config) is not { Exists: true, Length: <= MostConfigBytes } || !File.Exists(weights))
        {
            throw new AdapterException($"{folder}: a PEFT adapter is a folder with {ConfigName} and {WeightsName}; one of them is missing{(File.Exists(Path.Combine(folder, "adapter_model.bin")) ? ". An adapter_model.bin is not read: it may run code; save it as safetensors" : "")}.");
        }

        var settings = Settings(config);
        using var file = SafetensorsFile.Open(weights);
        var pairs = new List<LoraPair>();
        var saved = new Dictionary<string, (long[], float[])>(StringComparer.Ordinal);
        if (file.Tensors.Keys.FirstOrDefault(name => !name.StartsWith(Prefix, StringComparison.Ordinal)) is { } foreign)
        {
            throw new AdapterException($"{weights}: '{foreign}' does not begin with '{Prefix}', so it is not a tensor of a PEFT LoRA adapter.");
        }

        foreach (var name in file.Tensors.Keys.Order(StringComparer.Ordinal))
        {
            if (name.EndsWith(A, StringComparison.Ordinal))
            {
                pairs.Add(Pair(file, name[Prefix.Length..^A.Length], settings));
            }
            else if (!name.EndsWith(B, StringComparison.Ordinal) && !name.EndsWith(Magnitude, StringComparison.Ordinal))
            {
                saved.Add(Saved(name[Prefix.Length..], weights), ([.. file.Tensors[name].Shape], file.ReadFloat32(name)));
            }
        }

        var modules = pairs.Select(pair => Prefix + pair.Module).ToHashSet(StringComparer.Ordinal);
        if (file.Tensors.Keys.FirstOrDefault(name => (name.EndsWith(B, StringComparison.Ordinal) && !modules.Contains(name[..^B.Length])) || (name.EndsWith(Magnitude, StringComparison.Ordinal) && !modules.Contains(name[..^Magnitude.Length]))) is { } orphan)
        {
            throw new AdapterException($"{weights}: '{orphan}' has no lora_A beside it.");
        }

        return pairs.Count + saved.Count > 0 ? settings with { Pairs = pairs, Saved = saved } : throw new AdapterException($"{weights}: the file holds no adapted module.");
    }

    private static LoraPair Pair(SafetensorsFile file, string module, PeftAdapter settings)
    {
        var a = file.Tensors[Prefix + module + A];
        if (!file.Tensors.TryGetValue(Prefix + module + B, out var b))
        {
            throw new AdapterException($"{file.Path}: '{module}' has lora_A, but no lora_B.");
        }

        if (a.Shape.Count != 2 || b.Shape.Count != 2 || a.Shape[0] != b.Shape[1] || a.Shape[0] is < 1 or > MostRank || a.ElementCount > Array.MaxLength || b.ElementCount > Array.MaxLength)
        {
            throw new AdapterException($"{file.Path}: '{module}' has lora_A [{string.Join(", ", a.Shape)}] and lora_B [{string.Join(", ", b.Shape)}], which are no pair [r, inputs] and [outputs, r].");
        }

        var expected = settings.RankPattern.Where(entry => PeftAdapter.Matches(entry.Key, module)).Select(entry => (int?)entry.Value).FirstOrDefault() ?? settings.Rank;
        if (a.Shape[0] != expected)
        {
            throw new AdapterException($"{file.Path}: '{module}' has rank {a.Shape[0]}, but {ConfigName} says {expected}.");
        }

        var magnitude = file.Tensors.TryGetValue(Prefix + module + Magnitude, out var vector) ? file.ReadFloat32(vector.Name) : null;
        if (magnitude is not null && magnitude.Length != b.Shape[0])
        {
            throw new AdapterException($"{file.Path}: '{module}' has {magnitude.Length} magnitudes for {b.Shape[0]} rows.");
        }

        return new LoraPair
        {
            Module = module, Rank = (int)a.Shape[0], Inputs = (int)a.Shape[1], Outputs = (int)b.Shape[0], A = file.ReadFloat32(a.Name), B = file.ReadFloat32(b.Name), Magnitude = magnitude,
        };
    }

    private static string Saved(string name, string weights) => name.Contains("lora_", StringComparison.Ordinal)
        ? throw new AdapterException($"{weights}: '{name}' is an adapter tensor that is neither lora_A, lora_B nor a magnitude (adapters of embeddings are not supported).")
        : name.Replace(".modules_to_save.default.", ".", StringComparison.Ordinal).Replace(".base_layer.", ".", StringComparison.Ordinal);

    private static PeftAdapter Settings(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = 32 });
            var root = document.RootElement;
            Refuse(root, path);
            return new PeftAdapter
            {
                BaseModel = Get(root, "base_model_name_or_path") is { ValueKind: JsonValueKind.String } name ? name.GetString() : null,
                Rank = Get(root, "r")?.GetInt32() is >= 1 and <= MostRank and { } rank ? rank : throw new AdapterException($"{path}: 'r' is missing or not in 1 to {MostRank}."),
                Alpha = Get(root, "lora_alpha")?.GetDouble() is { } alpha && double.IsFinite(alpha) ? alpha : throw new AdapterException($"{path}: 'lora_alpha' is missing or no number."),
                Dropout = Get(root, "lora_dropout")?.GetDouble() ?? 0,
                RankStabilised = Get(root, "use_rslora")?.GetBoolean() ?? false,
                TargetModules = Get(root, "target_modules") switch
                {
                    { ValueKind: JsonValueKind.Array } list => [.. list.EnumerateArray().Select(item => item.GetString()!)],
                    { ValueKind: JsonValueKind.String } one => [one.GetString()!],
                    _ => [],
                },
                RankPattern = Get(root, "rank_pattern")?.EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.GetInt32()) ?? [],
                AlphaPattern = Get(root, "alpha_pattern")?.EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.GetDouble()) ?? [],
                Pairs = [],
            };
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            throw new AdapterException($"{path}: the settings are damaged: {exception.Message}", exception);
        }
    }

    private static void Refuse(JsonElement root, string path)
    {
        if (Get(root, "peft_type")?.GetString() != "LORA")
        {
            throw new AdapterException($"{path}: peft_type is '{Get(root, "peft_type")}', but only LORA adapters are read.");
        }

        if (Get(root, "bias") is { } bias && bias.GetString() != "none")
        {
            throw new AdapterException($"{path}: bias is '{bias}'; adapters with trained biases are not supported.");
        }

        foreach (var flag in new[] { "fan_in_fan_out", "lora_bias" })
        {
            if (Get(root, flag)?.GetBoolean() == true)
            {
                throw new AdapterException($"{path}: {flag} is true, which is not supported.");
            }
        }

        foreach (var name in new[] { "alora_invocation_tokens", "trainable_token_indices", "target_parameters" })
        {
            if (Get(root, name) is { } value && !(value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0))
            {
                throw new AdapterException($"{path}: {name} is set, which is not supported.");
            }
        }

        // These starting points move part of the base into the adapter: on the published base the result would be wrong.
        if (Get(root, "init_lora_weights") is { ValueKind: JsonValueKind.String } start && start.GetString() is { } way
            && (way.StartsWith("pissa", StringComparison.Ordinal) || way is "olora" or "loftq" or "corda"))
        {
            throw new AdapterException($"{path}: init_lora_weights is '{way}', which changes the base itself; convert the adapter to a plain LoRA with PEFT's path_initial_model_for_weight_conversion first.");
        }
    }

    private static JsonElement? Get(JsonElement root, string name) => root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
