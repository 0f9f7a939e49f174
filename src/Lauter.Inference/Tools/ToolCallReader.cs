using System.Text;
using System.Text.Json;

namespace Lauter.Inference.Tools;

/// <summary>One call of a tool; the arguments are JSON text.</summary>
internal sealed record ToolCall(string Id, string Name, string Arguments);

/// <summary>
/// Divides the text of one answer into what is said and the tools that are called, while it comes. Text that could still become a call is
/// held. What looks like a call but is none (no JSON, an unknown name) is text: nothing the model wrote is lost.
/// </summary>
internal sealed class ToolCallReader(ToolDialect dialect, IReadOnlyList<Tool> tools)
{
    private readonly StringBuilder _held = new();
    private bool _inside;
    private bool _spoke;

    /// <summary>Calls so far.</summary>
    public int Count { get; private set; }

    /// <summary>Adds text; returns what can be shown and the calls that are complete.</summary>
    public (string Text, IReadOnlyList<ToolCall> Calls) Add(string text, bool isEnd)
    {
        _held.Append(text);
        var shown = new StringBuilder();
        var calls = new List<ToolCall>();
        if (dialect.Mark.Length == 0)
        {
            ReadWhole(shown, calls, isEnd);
        }
        else
        {
            ReadMarked(shown, calls, isEnd);
        }

        Count += calls.Count;
        _spoke |= shown.ToString().Trim().Length > 0;
        // The line feeds around calls are no text.
        return (_spoke || (Count == 0 && !isEnd) ? shown.ToString() : shown.ToString().Trim(), calls);
    }

    private void ReadWhole(StringBuilder shown, List<ToolCall> calls, bool isEnd)
    {
        var text = _held.ToString();
        if (_spoke || (text.TrimStart() is [not '{', ..]))
        {
            shown.Append(text);
            _held.Clear();
        }
        else if (isEnd)
        {
            _held.Clear();
            if (Read(text) is { } call)
            {
                calls.Add(call);
            }
            else
            {
                shown.Append(text);
            }
        }
    }

    private void ReadMarked(StringBuilder shown, List<ToolCall> calls, bool isEnd)
    {
        var close = dialect.Close.Trim();
        while (true)
        {
            var text = _held.ToString();
            var mark = _inside ? close : dialect.Mark;
            var at = text.IndexOf(mark, StringComparison.Ordinal);
            if (at < 0)
            {
                break;
            }

            _held.Remove(0, at + mark.Length);
            if (!_inside)
            {
                shown.Append(text.AsSpan(0, at));
            }
            else if (Read(text[..at]) is { } call)
            {
                calls.Add(call);
            }
            else
            {
                shown.Append(dialect.Mark).Append(text.AsSpan(0, at)).Append(close);
            }

            _inside = !_inside;
        }

        if (isEnd && _inside && Read(_held.ToString()) is { } last)
        {
            // The model ended its turn instead of closing the call.
            calls.Add(last);
        }
        else if (isEnd)
        {
            shown.Append(_inside ? dialect.Mark : "").Append(_held);
        }
        else if (!_inside)
        {
            var keep = Enumerable.Range(1, Math.Min(dialect.Mark.Length - 1, _held.Length)).LastOrDefault(length =>
                dialect.Mark.StartsWith(_held.ToString(_held.Length - length, length), StringComparison.Ordinal));
            shown.Append(_held.ToString(0, _held.Length - keep));
            _held.Remove(0, _held.Length - keep);
        }
    }

    private ToolCall? Read(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text.Trim());
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("name", out var name) || name.ValueKind != JsonValueKind.String
                || !tools.Any(tool => tool.Name == name.GetString()))
            {
                return null;
            }

            // Models of either family mix the two names of this member up.
            var arguments = root.TryGetProperty(dialect.Arguments, out var own) || root.TryGetProperty("arguments", out own) || root.TryGetProperty("parameters", out own)
                ? own.ValueKind == JsonValueKind.String ? own.GetString()! : own.GetRawText()
                : "{}";
            return new ToolCall($"call_{Guid.CreateVersion7():N}", name.GetString()!, arguments);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
