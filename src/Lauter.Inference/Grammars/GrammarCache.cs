using System.Text.Json;
using Lauter.Inference.Native;
using Lauter.Inference.Wire;

namespace Lauter.Inference.Grammars;

/// <summary>Compiled grammars by the text of their schema; a request starts from a copy. Thread-safe.</summary>
internal sealed class GrammarCache(LoadedModel model) : IDisposable
{
    /// <summary>Applications have few schemas; a caller that sends a new one each time only loses the caching.</summary>
    public const int Most = 128;

    private readonly Dictionary<string, GrammarState> _compiled = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();

    public GrammarState Start(JsonElement schema)
    {
        var key = schema.GetRawText();
        lock (_gate)
        {
            if (!_compiled.TryGetValue(key, out var state))
            {
                state = Compile(schema);
                if (_compiled.Count >= Most)
                {
                    Clear();
                }

                _compiled[key] = state;
            }

            return state.Fork();
        }
    }

    public void Dispose() => Clear();

    private GrammarState Compile(JsonElement schema)
    {
        var result = JsonSchemaGrammar.Compile(schema);
        if (result.Grammar is null)
        {
            var fault = result.Faults[0];
            throw WireException.Invalid(
                "response_format.json_schema.schema", $"The schema cannot be used: at '{fault.Pointer}' {fault.Message}", "invalid_json_schema");
        }

        return GrammarState.Parse(model, result.Grammar);
    }

    private void Clear()
    {
        foreach (var state in _compiled.Values)
        {
            state.Dispose();
        }

        _compiled.Clear();
    }
}
