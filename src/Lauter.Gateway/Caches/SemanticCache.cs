using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Gateway.Api;
using Lauter.Gateway.Applications;

namespace Lauter.Gateway.Caches;

/// <summary>A question on its way through the semantic cache.</summary>
/// <param name="Scope">Tenant and application as it is configured now: nothing is shared beyond it.</param>
/// <param name="Frame">Hash of everything in the request but the last message's text: only that may differ.</param>
/// <param name="Text">The last message.</param>
/// <param name="Facts">See <see cref="QuestionFacts"/>.</param>
/// <param name="Vector">Its embedding, of length one.</param>
internal sealed record SemanticQuestion(string Scope, string Frame, string Text, string Facts, float[] Vector)
{
    /// <summary>The kept question that comes closest; null = none is close enough to be compared.</summary>
    public SemanticEntry? Nearest { get; set; }

    /// <summary>Cosine to it.</summary>
    public double Similarity { get; set; }
}

/// <summary>A kept answer and the question it was given to.</summary>
internal sealed class SemanticEntry(SemanticQuestion question, CachedAnswer answer)
{
    public SemanticQuestion Question { get; } = question;

    public CachedAnswer Answer { get; } = answer;

    /// <summary>Highest similarity at which this answer was wrong: an entry that misled once asks for more likeness than the others.</summary>
    public double WrongAt { get; set; } = double.NegativeInfinity;
}

/// <summary>
/// Answers to questions that mean the same, in memory, for applications that asked for it:
/// 1. questions with the same frame and the same facts are compared by cosine; 2. the nearest answer is given when its similarity reaches the learned
/// threshold (<see cref="SemanticThreshold"/>, per tenant and application) and the entry's own; 3. otherwise, and for a share of those, the
/// model is asked and its answer compared with the kept one: that is how thresholds and the shown false-hit rate are learned, from real
/// traffic, in the path of requests that would have been asked anyhow.
/// </summary>
/// <remarks>Safe for concurrent use.</remarks>
internal sealed class SemanticCache(GatewayOptions options, TimeProvider time, GatewayMetrics metrics)
{
    private const double Comparable = 0.70;
    private const double EntryMargin = 0.02;
    private const int MostEntries = 10_000; // of one scope; a scan over them takes about a millisecond
    private readonly ConcurrentDictionary<string, Scope> _scopes = new(StringComparer.Ordinal);

    /// <summary>Scope, frame and text of a request that may be served by likeness; null = it may not (tools, more than text, more than one answer).</summary>
    public static (string Scope, string Frame, string Text)? Frame(string tenant, LiveApplication live, ChatCall call)
    {
        if (live.Semantic is null || call.Surface != Surface.Chat || call.Tools || call.Choices != 1)
        {
            return null;
        }

        var (turns, fault) = call.Turns();
        if (fault is not null || turns[^1].Content.Length is 0 or > 4_000)
        {
            return null;
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var name in call.Members.Names.Where(n => n != "messages" && !ExactCache.Ignored.Contains(n)).Order(StringComparer.Ordinal))
        {
            Add(Encoding.UTF8.GetBytes(name));
            Add(call.Members.Raw(name).Span);
        }

        foreach (var turn in turns.Take(turns.Count - 1))
        {
            Add(Encoding.UTF8.GetBytes(turn.Role));
            Add(Encoding.UTF8.GetBytes(turn.Content));
        }

        return ($"{tenant}\n{live.Name}\n{live.Generation}", Convert.ToHexString(hash.GetHashAndReset()), turns[^1].Content);

        void Add(ReadOnlySpan<byte> part)
        {
            hash.AppendData(BitConverter.GetBytes(part.Length));
            hash.AppendData(part);
        }
    }

    /// <summary>The answer that may be given; null = ask, and call <see cref="Learn"/> with what comes back.</summary>
    public CachedAnswer? Look(LiveApplication live, SemanticQuestion question)
    {
        var scope = _scopes.GetOrAdd(question.Scope, _ => new Scope(live.Semantic!.FalseHits));
        lock (scope)
        {
            var now = time.GetTimestamp();
            foreach (var entry in scope.Entries)
            {
                if (entry.Question.Frame != question.Frame || entry.Question.Facts != question.Facts || time.GetElapsedTime(entry.Answer.Kept, now) > options.CacheLifetime)
                {
                    continue;
                }

                var similarity = (double)UnitVector.Dot(entry.Question.Vector, question.Vector);
                if (similarity >= Comparable && similarity > question.Similarity)
                {
                    (question.Nearest, question.Similarity) = (entry, similarity);
                }
            }

            var given = question.Nearest is { } nearest && question.Similarity >= Math.Max(scope.Threshold.Level, nearest.WrongAt + EntryMargin);
            if (!given)
            {
                return null;
            }

            if (Random.Shared.NextDouble() < live.Semantic!.Checks)
            {
                return null;
            }

            scope.Hits++;
            metrics.CountSemantic(live.Name, "given");
            return question.Nearest!.Answer;
        }
    }

    /// <summary>Keeps an answer, and compares it with the one that likeness would have given.</summary>
    /// <param name="live">The application.</param>
    /// <param name="question">What <see cref="Look"/> found no answer for.</param>
    /// <param name="answer">What the model said.</param>
    /// <param name="alike">Whether two texts say the same although they are not equal; null = only equal ones count.</param>
    public void Learn(LiveApplication live, SemanticQuestion question, CachedAnswer answer, bool? alike)
    {
        if (!_scopes.TryGetValue(question.Scope, out var scope))
        {
            return;
        }

        lock (scope)
        {
            if (question.Nearest is { } nearest)
            {
                var same = Equal(nearest.Answer.Text, answer.Text) || alike == true;
                scope.Threshold.Add(question.Similarity, same);
                nearest.WrongAt = same ? nearest.WrongAt : Math.Max(nearest.WrongAt, question.Similarity);
                metrics.CountSemantic(live.Name, same ? "right" : "wrong");
            }

            scope.Entries.Add(new SemanticEntry(question, answer));
            if (scope.Entries.Count > MostEntries)
            {
                scope.Entries.RemoveRange(0, MostEntries / 10); // the oldest
            }
        }
    }

    /// <summary>What was learned: the threshold (null = none yet), checks at or above it, how many of them were wrong, and answers given.</summary>
    public (double? Level, int Checks, int Wrong, long Given) State(string tenant, LiveApplication live)
    {
        if (!_scopes.TryGetValue($"{tenant}\n{live.Name}\n{live.Generation}", out var scope))
        {
            return (null, 0, 0, 0);
        }

        lock (scope)
        {
            var (checks, wrong) = scope.Threshold.AtLevel;
            return (double.IsFinite(scope.Threshold.Level) ? scope.Threshold.Level : null, checks, wrong, scope.Hits);
        }
    }

    /// <summary>Two answers are equal as JSON, or as text apart from case, space and punctuation.</summary>
    internal static bool Equal(string a, string b)
    {
        if (Fold(a) == Fold(b))
        {
            return true;
        }

        try
        {
            return JsonNode.Parse(a) is { } x && JsonNode.Parse(b) is { } y && JsonNode.DeepEquals(x, y);
        }
        catch (JsonException)
        {
            return false;
        }

        static string Fold(string text) => new([.. text.Normalize(NormalizationForm.FormKC).ToLowerInvariant().Where(c => !char.IsWhiteSpace(c) && !char.IsPunctuation(c))]);
    }

    private sealed class Scope(double falseHits)
    {
        public List<SemanticEntry> Entries { get; } = [];

        public SemanticThreshold Threshold { get; } = new(falseHits);

        public long Hits { get; set; }
    }
}
