using System.Text;
using System.Text.Json.Nodes;
using Lauter.Inference.Native;
using Lauter.Inference.Sampling;

namespace Lauter.Inference.Wire;

/// <summary>Tokens as answers show them. A token need not be whole characters: its text may hold U+FFFD, its bytes are exact.</summary>
internal static class TokenText
{
    public static string Of(LoadedModel model, int token) => Encoding.UTF8.GetString(model.Piece(token));

    /// <summary>One entry of a chat answer's <c>logprobs.content</c>; <c>token_id</c> is our addition.</summary>
    public static JsonObject ChatEntry(LoadedModel model, SampledToken token)
    {
        var entry = Entry(model, token.Token, token.LogProbability);
        entry["top_logprobs"] = new JsonArray([.. token.Alternatives.Select(other => (JsonNode)Entry(model, other.Token, other.LogProbability))]);
        return entry;
    }

    private static JsonObject Entry(LoadedModel model, int token, float logProbability) => new()
    {
        ["token"] = Of(model, token),
        ["logprob"] = Finite(logProbability),
        ["bytes"] = new JsonArray([.. model.Piece(token).ToArray().Select(value => (JsonNode)value)]),
        ["token_id"] = token,
    };

    /// <summary>JSON has no infinity; OpenAI writes −9999 for a token that cannot come.</summary>
    public static float Finite(float value) => float.IsFinite(value) ? value : -9999;
}
