using System.Text.Json;
using Lauter.Inference.Native;
using Lauter.Inference.Tools;
using Lauter.Inference.Wire;

namespace Lauter.Inference.Grammars;

/// <summary>Compiled grammars by the text of their schema; a request starts from a copy. Thread-safe.</summary>
internal sealed class GrammarCache(LoadedModel model) : IDisposable
{
    /// <summary>Applications have few schemas; a caller that sends a new one each time only loses the caching.</summary>
    public const int Most = 128;

    private readonly Dictionary<string, GrammarState> _compiled = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();

    /// <summary>The grammar of answers under a schema.</summary>
    public GrammarState Start(JsonElement schema) => Start(schema.GetRawText(), () => JsonSchemaGrammar.Compile(schema), fault =>
        WireException.Invalid("response_format.json_schema.schema", $"The schema cannot be used: at '{fault.Pointer}' {fault.Message}", "invalid_json_schema"))!;

    /// <summary>
    /// The grammar of calls of these tools. Where a schema cannot be enforced: null when the model decides whether to call and no tool is strict,
    /// else it is refused.
    /// </summary>
    public GrammarState? Start(ToolSet tools, ToolDialect dialect, bool afterMark)
    {
        var key = $"{dialect.Mark} {tools.Parallel} {afterMark} {string.Join(' ', tools.Tools.Select(tool => $"{tool.Name} {tool.Parameters.GetRawText()}"))}";
        return Start(key, () => ToolGrammar.Compile(tools, dialect, afterMark), fault => afterMark && !tools.Tools.Any(tool => tool.Strict)
            ? null
            : WireException.Invalid("tools", $"The parameters of a tool cannot be used: at '{fault.Pointer}' {fault.Message}", "invalid_json_schema"));
    }

    public void Dispose() => Clear();

    private GrammarState? Start(string key, Func<GrammarResult> compile, Func<GrammarFault, WireException?> refuse)
    {
        lock (_gate)
        {
            if (!_compiled.TryGetValue(key, out var state))
            {
                var result = compile();
                if (result.Grammar is null)
                {
                    return refuse(result.Faults[0]) is { } error ? throw error : null;
                }

                state = GrammarState.Parse(model, result.Grammar);
                if (_compiled.Count >= Most)
                {
                    Clear();
                }

                _compiled[key] = state;
            }

            return state.Fork();
        }
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
