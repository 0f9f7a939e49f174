using System.Text.Json;
using Lauter.Models.Gguf;
using Lauter.Models.Safetensors;

namespace Lauter.Models.Peft;

/// <summary>Writes a PEFT folder with the names, shapes and settings that the PEFT library itself writes.</summary>
internal static class PeftWriter
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    public static void Write(PeftAdapter adapter, string folder)
    {
        Directory.CreateDirectory(folder);
        var writer = SafetensorsWriter.Create(Path.Combine(folder, PeftReader.WeightsName)).AddMetadata("format", "pt");
        foreach (var pair in adapter.Pairs)
        {
            writer.AddTensor(PeftReader.Prefix + pair.Module + PeftReader.A, GgufTensorType.F32, [pair.Rank, pair.Inputs], () => pair.A)
                .AddTensor(PeftReader.Prefix + pair.Module + PeftReader.B, GgufTensorType.F32, [pair.Outputs, pair.Rank], () => pair.B);
            if (pair.Magnitude is { } magnitude)
            {
                writer.AddTensor(PeftReader.Prefix + pair.Module + PeftReader.Magnitude, GgufTensorType.F32, [pair.Outputs], () => magnitude);
            }
        }

        foreach (var (name, (shape, values)) in adapter.Saved)
        {
            writer.AddTensor(PeftReader.Prefix + name, GgufTensorType.F32, shape, () => values);
        }

        writer.Finish();
        var path = Path.Combine(folder, PeftReader.ConfigName);
        var temporary = Path.Combine(folder, $".{PeftReader.ConfigName}.{Guid.CreateVersion7():N}.tmp");
        File.WriteAllBytes(temporary, Settings(adapter));
        File.Move(temporary, path, overwrite: true);
    }

    private static byte[] Settings(PeftAdapter adapter)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Indented))
        {
            json.WriteStartObject();
            Patterns(json, "alpha_pattern", adapter.AlphaPattern, value => json.WriteNumberValue(value));
            json.WriteString("base_model_name_or_path", adapter.BaseModel);
            json.WriteString("bias", "none");
            json.WriteBoolean("fan_in_fan_out", false);
            json.WriteBoolean("inference_mode", true);
            json.WriteBoolean("init_lora_weights", true);
            json.WriteNumber("lora_alpha", adapter.Alpha);
            json.WriteNumber("lora_dropout", adapter.Dropout);
            Names(json, "modules_to_save", adapter.Saved.Count == 0 ? null : adapter.Saved.Keys.Select(name => name[..name.LastIndexOf('.')].Split('.')[^1]).Distinct(StringComparer.Ordinal));
            json.WriteString("peft_type", "LORA");
            json.WriteNumber("r", adapter.Rank);
            Patterns(json, "rank_pattern", adapter.RankPattern, value => json.WriteNumberValue(value));
            Names(json, "target_modules", adapter.TargetModules);
            json.WriteString("task_type", "CAUSAL_LM");
            json.WriteBoolean("use_dora", adapter.HasMagnitudes);
            json.WriteBoolean("use_rslora", adapter.RankStabilised);
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private static void Names(Utf8JsonWriter json, string name, IEnumerable<string>? values)
    {
        if (values is null)
        {
            json.WriteNull(name);
            return;
        }

        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }

    private static void Patterns<T>(Utf8JsonWriter json, string name, IReadOnlyDictionary<string, T> values, Action<T> write)
    {
        json.WriteStartObject(name);
        foreach (var (pattern, value) in values)
        {
            json.WritePropertyName(pattern);
            write(value);
        }

        json.WriteEndObject();
    }
}
