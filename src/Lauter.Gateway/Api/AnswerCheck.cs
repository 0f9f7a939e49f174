using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Gateway.Applications;

namespace Lauter.Gateway.Api;

/// <summary>Whether a whole answer is one by its application's output schema.</summary>
internal static class AnswerCheck
{
    /// <summary>The fault as a code and a sentence; null when the answer is good.</summary>
    public static (string Code, string Message)? Fault(LiveApplication application, string text, AnswerEnd end)
    {
        if (application.Output is not { } schema)
        {
            return null;
        }

        JsonNode? value;
        try
        {
            value = JsonNode.Parse(text);
            _ = value is JsonObject o ? o.Count : 0;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return end.FinishReason == "length"
                ? ("answer_truncated", $"The answer of '{application.Name}' was cut at its limit of tokens and is not whole: raise max_tokens.")
                : ("invalid_answer", $"The answer of '{application.Name}' is not JSON.");
        }

        return InputReader.Fault(schema, value) is { } fault ? ("invalid_answer", $"The answer of '{application.Name}' does not match its output schema: {fault}") : null;
    }

    /// <summary>Whether two answers say the same: equal as JSON whatever the order of members, else equal as text without outer spaces.</summary>
    public static bool Same(string one, string other)
    {
        if (string.Equals(one.Trim(), other.Trim(), StringComparison.Ordinal))
        {
            return true;
        }

        try
        {
            return JsonNode.DeepEquals(JsonNode.Parse(one), JsonNode.Parse(other));
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return false;
        }
    }
}
