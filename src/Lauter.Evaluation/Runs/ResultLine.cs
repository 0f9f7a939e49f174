using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Evaluation.Candidates;

namespace Lauter.Evaluation.Runs;

/// <summary>One line of a result file, read.</summary>
internal readonly record struct ResultRow(ItemOutcome Item, string? Signature, double? Latency, double? Cost);

/// <summary>
/// The usual lines of a result file without a tree: an id with <c>correct</c>, <c>score</c>, or texts of <c>prediction</c> and <c>reference</c>. Everything
/// else, faults above all, is left to <see cref="PredictionFile"/>, whose words a person then reads; only a member that no gate knows may occur twice
/// here and not there. Not thread-safe: one for each chunk of lines.
/// </summary>
internal sealed class ResultLine
{
    private string _language = "und";
    private string? _signature;
    private string? _cluster;

    [Flags]
    private enum Seen
    {
        None = 0,
        Id = 1,
        Correct = 2,
        Score = 4,
        Prediction = 8,
        Reference = 16,
        Language = 32,
        Cluster = 64,
        Signature = 128,
        Failure = 256,
        Latency = 512,
        Cost = 1_024,
    }

    /// <summary>Reads one line; false when it is not one of the usual ones.</summary>
    public bool TryRead(ReadOnlySpan<byte> line, out ResultRow row)
    {
        row = default;
        try
        {
            var reader = new Utf8JsonReader(line);
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject && Read(ref reader, out row);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Broken JSON, or half of a surrogate pair in a text: the slow way finds the same fault and tells it with the line's number.
            return false;
        }
    }

    // A process that decides one gate would spend its whole life in the unoptimised code of this loop.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool Read(ref Utf8JsonReader reader, out ResultRow row)
    {
        row = default;
        var seen = Seen.None;
        string? id = null, cluster = null, language = null, signature = null, failure = null, prediction = null, reference = null;
        bool correct = false;
        double score = 0, latency = 0, cost = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueIsEscaped)
            {
                return false;
            }

            if (Member(reader.ValueSpan) is not { } known)
            {
                // Objects of scores and strata go the slow way; members that a gate does not know are passed over.
                if (reader.ValueSpan.SequenceEqual("scores"u8) || reader.ValueSpan.SequenceEqual("strata"u8))
                {
                    return false;
                }

                reader.Skip();
                continue;
            }

            if ((seen & known) != Seen.None)
            {
                return false;
            }

            seen |= known;
            reader.Read();
            var text = reader.TokenType == JsonTokenType.String;
            switch (known)
            {
                case Seen.Id when text:
                    id = reader.GetString();
                    break;
                case Seen.Id when reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var whole):
                    id = whole.ToString();
                    break;
                case Seen.Correct when reader.TokenType is JsonTokenType.True or JsonTokenType.False:
                    correct = reader.TokenType == JsonTokenType.True;
                    break;
                case Seen.Score when reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out score) && score is >= 0 and <= 1:
                    break;
                case Seen.Latency when reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out latency) && latency >= 0:
                    break;
                case Seen.Cost when reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out cost) && cost >= 0:
                    break;
                case Seen.Prediction when text:
                    prediction = reader.GetString();
                    break;
                case Seen.Reference when text:
                    reference = reader.GetString();
                    break;
                case Seen.Language when text:
                    language = reader.ValueTextEquals(_language) ? _language : _language = reader.GetString()!;
                    break;
                case Seen.Cluster when text:
                    cluster = _cluster is not null && reader.ValueTextEquals(_cluster) ? _cluster : _cluster = reader.GetString()!;
                    break;
                case Seen.Signature when text:
                    signature = _signature is not null && reader.ValueTextEquals(_signature) ? _signature : _signature = reader.GetString()!;
                    break;
                case Seen.Failure when text:
                    failure = reader.GetString();
                    break;
                case Seen.Failure when reader.TokenType == JsonTokenType.Null:
                    break;
                default:
                    return false;
            }
        }

        if (reader.TokenType != JsonTokenType.EndObject || reader.Read() || string.IsNullOrEmpty(id))
        {
            return false;
        }

        string metric;
        double value;
        JsonObject? said = null, right = null;
        if (seen.HasFlag(Seen.Score))
        {
            (metric, value) = (PredictionFile.ScoreMetric, failure is null ? score : 0);
        }
        else if (seen.HasFlag(Seen.Correct))
        {
            (metric, value) = (PredictionFile.Metric, correct && failure is null ? 1 : 0);
        }
        else if (reference is not null)
        {
            (metric, value) = (PredictionFile.Metric, failure is null && reference == prediction ? 1 : 0);
            failure ??= prediction is null ? FailureKinds.Unparsed : null;
            right = new JsonObject { ["value"] = reference };
            said = prediction is null ? null : new JsonObject { ["value"] = prediction };
        }
        else
        {
            return false;
        }

        row = new ResultRow(
            new ItemOutcome
            {
                Id = id, Cluster = cluster ?? id, Language = language ?? "und", Prediction = said, Reference = right, Failure = failure, Scores = new OneScore(metric, value),
            },
            signature, seen.HasFlag(Seen.Latency) ? latency : null, seen.HasFlag(Seen.Cost) ? cost : null);
        return true;
    }

    private static Seen? Member(ReadOnlySpan<byte> name) => name.Length switch
    {
        2 => name.SequenceEqual("id"u8) ? Seen.Id : null,
        4 => name.SequenceEqual("cost"u8) ? Seen.Cost : null,
        5 => name.SequenceEqual("score"u8) ? Seen.Score : null,
        7 => name.SequenceEqual("correct"u8) ? Seen.Correct : name.SequenceEqual("cluster"u8) ? Seen.Cluster : name.SequenceEqual("failure"u8) ? Seen.Failure : null,
        8 => name.SequenceEqual("language"u8) ? Seen.Language : null,
        9 => name.SequenceEqual("signature"u8) ? Seen.Signature : name.SequenceEqual("reference"u8) ? Seen.Reference : name.SequenceEqual("latencyMs"u8) ? Seen.Latency : null,
        10 => name.SequenceEqual("prediction"u8) ? Seen.Prediction : null,
        _ => null,
    };
}

/// <summary>A list made when someone looks at it: a gate never looks at the values of a result file, whose intervals take longer than its decision.</summary>
internal sealed class DeferredList<T>(Func<IReadOnlyList<T>> make) : IReadOnlyList<T>
{
    private readonly Lazy<IReadOnlyList<T>> _list = new(make);

    public int Count => _list.Value.Count;

    public T this[int index] => _list.Value[index];

    public IEnumerator<T> GetEnumerator() => _list.Value.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>The scores of an item that has one: a hundred thousand dictionaries of one entry would be most of a file's memory.</summary>
internal sealed class OneScore(string metric, double value) : IReadOnlyDictionary<string, double>
{
    public int Count => 1;

    public IEnumerable<string> Keys => [metric];

    public IEnumerable<double> Values => [value];

    public double this[string key] => key == metric ? value : throw new KeyNotFoundException(key);

    public bool ContainsKey(string key) => key == metric;

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out double found)
    {
        found = key == metric ? value : 0;
        return key == metric;
    }

    public IEnumerator<KeyValuePair<string, double>> GetEnumerator()
    {
        yield return KeyValuePair.Create(metric, value);
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
