using System.Text.Json;

namespace Lauter.Inference.Grammars;

/// <summary>Compiles JSON Schema to llama.cpp's grammar notation.</summary>
public static class JsonSchemaGrammar
{
    /// <summary>The schema of "any JSON object".</summary>
    public static JsonElement AnyObject { get; } = JsonDocument.Parse("""{"type":"object","additionalProperties":true}""").RootElement.Clone();

    /// <summary>Compiles.</summary>
    public static GrammarResult Compile(JsonElement schema) => new(null, [new GrammarFault("", schema.ValueKind.ToString())]);
}

/// <summary>A grammar, or what stands against it.</summary>
public sealed record GrammarResult(string? Grammar, IReadOnlyList<GrammarFault> Faults);

/// <summary>One construct that cannot be compiled.</summary>
public sealed record GrammarFault(string Pointer, string Message);
