using System.CommandLine;
using System.Text.Json.Nodes;
using Lauter.Models.Families;
using Lauter.Models.Inspection;

namespace Lauter.Commands;

/// <summary><c>lauter model inspect</c>: what a file holds, from its headers.</summary>
internal static class ModelInspectCommand
{
    public static Command Create()
    {
        var path = new Argument<string>("path") { Description = "A GGUF or safetensors file, a Hugging Face folder, or a PEFT adapter folder." };
        var tensors = new Option<bool>("--tensors") { Description = "List every tensor." };
        var format = Arguments.Format();
        var command = new Command("inspect", "Show family, shape, storage, tokenizer, licence and what will go wrong.") { path, tensors, format };
        command.SetAction(result =>
        {
            var inspection = ModelInspection.Read(ModelCommand.Existing(result.GetValue(path)!));
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(Json(inspection, result.GetValue(tensors)));
            }
            else
            {
                Show(inspection, result.GetValue(tensors));
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static JsonObject Json(ModelInspection inspection, bool tensors) => new()
    {
        ["path"] = inspection.Path,
        ["form"] = inspection.Form,
        ["name"] = inspection.Name,
        ["architecture"] = inspection.Architecture,
        ["license"] = inspection.License,
        ["bytes"] = inspection.Bytes,
        ["parameters"] = inspection.ParameterCount,
        ["quantisation"] = inspection.Quantisation,
        ["storage"] = new JsonObject(Storage(inspection).Select(entry => KeyValuePair.Create<string, JsonNode?>(entry.Type, entry.Bytes))),
        ["shape"] = inspection.Config is { } config ? Shape(config) : null,
        ["tokenizer"] = inspection.Tokenizer is { } tokenizer
            ? new JsonObject { ["model"] = tokenizer.Model, ["pre"] = tokenizer.Pre, ["tokens"] = tokenizer.Tokens, ["chat_template"] = tokenizer.ChatTemplate }
            : null,
        ["adapter"] = inspection.Adapter is { } adapter
            ? new JsonObject { ["rank"] = adapter.Rank, ["alpha"] = adapter.Alpha, ["base_model"] = adapter.BaseModel, ["targets"] = new JsonArray([.. adapter.Targets.Select(target => (JsonNode)target)]) }
            : null,
        ["warnings"] = new JsonArray([.. inspection.Warnings.Select(warning => (JsonNode)warning)]),
        ["tensors"] = tensors
            ? new JsonArray([.. inspection.Tensors.Select(tensor => (JsonNode)new JsonObject
            {
                ["name"] = tensor.Name, ["type"] = tensor.Type, ["shape"] = new JsonArray([.. tensor.Shape.Select(extent => (JsonNode)extent)]), ["bytes"] = tensor.Bytes,
            })])
            : inspection.Tensors.Count,
    };

    private static JsonObject Shape(ModelConfig config) => new()
    {
        ["family"] = config.Family,
        ["vocabulary"] = config.VocabularySize,
        ["width"] = config.Width,
        ["layers"] = config.Layers,
        ["heads"] = config.Heads,
        ["kv_heads"] = config.KvHeads,
        ["head_dimension"] = config.HeadDimension,
        ["feed_forward"] = config.FeedForward,
        ["context"] = config.ContextLength,
        ["rope_base"] = config.RopeBase,
        ["rope_scaling"] = config.RopeScaling?.Kind.ToString().ToLowerInvariant(),
        ["tied_embeddings"] = config.TiedEmbeddings,
        ["sliding_window"] = config.SlidingWindow,
    };

    private static List<(string Type, long Bytes)> Storage(ModelInspection inspection) =>
        [.. inspection.Tensors.GroupBy(tensor => tensor.Type, StringComparer.Ordinal).Select(group => (group.Key, group.Sum(tensor => tensor.Bytes))).OrderByDescending(entry => entry.Item2)];

    private static void Show(ModelInspection inspection, bool tensors)
    {
        static void Line(string name, string? value)
        {
            if (value is not null)
            {
                System.Console.WriteLine($"{name,-14}{value}");
            }
        }

        Line("form", inspection.Form);
        Line("name", inspection.Name);
        Line("architecture", inspection.Architecture);
        Line("license", inspection.License ?? "not stated");
        Line("size", $"{ModelCommand.Size(inspection.Bytes)}, {inspection.ParameterCount:N0} parameters in {inspection.Tensors.Count} tensors");
        Line("storage", $"{(inspection.Quantisation is { } name ? name + ": " : "")}{string.Join(", ", Storage(inspection).Select(entry => $"{entry.Type} {ModelCommand.Size(entry.Bytes)}"))}");
        if (inspection.Config is { } c)
        {
            Line("network", $"{c.Family}: {c.Layers} layers of {c.Width}, {c.Heads} heads ({c.KvHeads} for keys) of {c.HeadDimension}, feed-forward {c.FeedForward}, {c.VocabularySize:N0} tokens{(c.TiedEmbeddings ? ", tied" : "")}");
            Line("context", $"{c.ContextLength:N0} tokens, rope base {c.RopeBase:0.###}{(c.RopeScaling is { } scaling ? $", {scaling.Kind} × {scaling.Factor}" : "")}{(c.SlidingWindow is { } window ? $", sliding {window} (every {c.SlidingPeriod}th full)" : "")}");
        }

        Line("tokenizer", inspection.Tokenizer is { } t ? $"{t.Model}{(t.Pre is null ? "" : $", split {t.Pre}")}, {t.Tokens:N0} tokens, chat template {(t.ChatTemplate is { } text ? $"of {text.Length} characters" : "missing")}" : null);
        Line("adapter", inspection.Adapter is { } a ? $"rank {a.Rank}, alpha {a.Alpha}{(a.BaseModel is null ? "" : $", trained on {a.BaseModel}")}: {string.Join(", ", a.Targets)}" : null);
        foreach (var warning in inspection.Warnings)
        {
            Line("warning", warning);
        }

        foreach (var tensor in tensors ? inspection.Tensors : [])
        {
            System.Console.WriteLine($"  {tensor.Name,-44} {tensor.Type,-5} [{string.Join(", ", tensor.Shape)}]");
        }
    }
}
