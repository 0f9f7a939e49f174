using System.Text;
using System.Text.Json;
using Lauter.Models.Tokens;
using Lauter.Training.Decoders;
using Lauter.Training.Loop;

namespace Lauter.Training.Examples;

/// <summary>
/// The most probable tokens that a teacher recorded at each token of a row's answers, in one of two forms:
/// <c>"teacher": [[[id, log-probability], …], …]</c>, a list per trained token, as <c>lauter model record</c> writes it; or
/// <c>"logprobs": {"content": [{"token", "bytes", "top_logprobs": […]}]}</c>, as OpenAI-compatible servers answer. Both need the student's own vocabulary.
/// </summary>
internal sealed class TeacherRecord
{
    private const int MostTokens = 1 << 16;
    private const int MostCandidates = 1 << 12;

    private readonly List<(byte[]? Token, List<(int? Id, byte[]? Bytes, double LogProbability)> Top)> _steps = [];

    private TeacherRecord()
    {
    }

    /// <summary>The record of a row; null when it has none.</summary>
    /// <exception cref="JsonException">It has another form.</exception>
    public static TeacherRecord? Read(JsonElement row)
    {
        var record = new TeacherRecord();
        if (row.TryGetProperty("teacher", out var own) && own.ValueKind != JsonValueKind.Null)
        {
            foreach (var step in Items(own, "teacher", MostTokens))
            {
                record._steps.Add((null, [.. Items(step, "teacher", MostCandidates).Select(Pair)]));
            }
        }
        else if (row.TryGetProperty("logprobs", out var answer) && answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty("content", out var content))
        {
            foreach (var step in Items(content, "logprobs.content", MostTokens))
            {
                record._steps.Add((Bytes(step), [.. Items(step.TryGetProperty("top_logprobs", out var top) ? top : default, "top_logprobs", MostCandidates).Select(c => ((int?)null, (byte[]?)Bytes(c), Log(c)))]));
            }
        }
        else
        {
            return null;
        }

        return record._steps.TrueForAll(s => s.Top.Count > 0) ? record : throw new JsonException("a teacher's list of candidates is empty: ask it for at least one (top_logprobs).");
    }

    /// <summary>The distributions at their tokens.</summary>
    /// <param name="row">Its name, for messages.</param>
    /// <param name="ids">Tokens of the row.</param>
    /// <param name="trained">Which of them are trained.</param>
    /// <param name="tokenizer">The student's.</param>
    /// <exception cref="TrainingFailedException">The record does not fit the row or the vocabulary.</exception>
    public TeacherTarget?[] On(string row, int[] ids, bool[] trained, ModelTokenizer tokenizer)
    {
        int[] places = [.. Enumerable.Range(0, ids.Length).Where(i => trained[i])];
        var byText = _steps.Count > 0 && _steps[0].Token is not null;

        // A server's answer says nothing about the end mark, so its record may be that much shorter.
        if (_steps.Count > places.Length || (_steps.Count < places.Length - (byText ? 1 : 0)))
        {
            throw new TrainingFailedException($"The row {row} has {places.Length} trained tokens, but its teacher recorded {_steps.Count}: the teacher has another vocabulary or another template.");
        }

        var targets = new TeacherTarget?[ids.Length];
        for (var i = 0; i < _steps.Count; i++)
        {
            var (token, top) = _steps[i];
            if (token is not null && !token.AsSpan().SequenceEqual(tokenizer.PieceBytes(ids[places[i]])))
            {
                throw new TrainingFailedException($"The row {row}: the teacher's token {i} is '{Encoding.UTF8.GetString(token)}', the student's '{Encoding.UTF8.GetString(tokenizer.PieceBytes(ids[places[i]]))}'. A distribution can be learned only within one vocabulary; drop the log-probabilities to learn from the answer.");
            }

            List<(int, double)> known = [];
            foreach (var (id, bytes, log) in top)
            {
                var found = id ?? Single(tokenizer, bytes!);
                if (found is { } one && (uint)one < (uint)tokenizer.VocabularySize)
                {
                    known.Add((one, log));
                }
                else if (id is not null)
                {
                    throw new TrainingFailedException($"The row {row}: the teacher recorded the token {id}, but the vocabulary has 0 to {tokenizer.VocabularySize - 1}.");
                }
            }

            targets[places[i]] = known.Count == 0 ? null : TeacherTarget.Of(known);
        }

        return targets;
    }

    private static int? Single(ModelTokenizer tokenizer, byte[] bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        return tokenizer.Encode(text, parseSpecial: false) is [var id] && tokenizer.PieceBytes(id).AsSpan().SequenceEqual(bytes) ? id : tokenizer.TokenOf(text);
    }

    private static (int? Id, byte[]? Bytes, double LogProbability) Pair(JsonElement pair) =>
        pair.ValueKind == JsonValueKind.Array && pair.GetArrayLength() == 2 && pair[0].ValueKind == JsonValueKind.Number && pair[0].TryGetInt32(out var id) && pair[1].ValueKind == JsonValueKind.Number
            ? (id, null, pair[1].GetDouble())
            : throw new JsonException("a candidate in 'teacher' is [id, log-probability].");

    private static IEnumerable<JsonElement> Items(JsonElement list, string name, int most) =>
        list.ValueKind == JsonValueKind.Array && list.GetArrayLength() <= most ? list.EnumerateArray() : throw new JsonException($"'{name}' must be a list of at most {most}.");

    private static byte[] Bytes(JsonElement token)
    {
        if (token.ValueKind == JsonValueKind.Object && token.TryGetProperty("bytes", out var bytes) && bytes.ValueKind == JsonValueKind.Array)
        {
            return [.. bytes.EnumerateArray().Select(b => b.TryGetByte(out var value) ? value : throw new JsonException("'bytes' must hold numbers from 0 to 255."))];
        }

        return token.ValueKind == JsonValueKind.Object && token.TryGetProperty("token", out var text) && text.ValueKind == JsonValueKind.String
            ? Encoding.UTF8.GetBytes(text.GetString()!)
            : throw new JsonException("a token in 'logprobs' needs 'token' or 'bytes'.");
    }

    private static double Log(JsonElement candidate) =>
        candidate.TryGetProperty("logprob", out var log) && log.ValueKind == JsonValueKind.Number ? log.GetDouble() : throw new JsonException("a candidate in 'top_logprobs' needs 'logprob'.");
}
