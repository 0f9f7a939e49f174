using System.Buffers;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Evaluation.Candidates;
using Lauter.Evaluation.Metrics;

namespace Lauter.Evaluation.Runs;

/// <summary>
/// Scorecards from plain files, for deciding a gate without a project. One JSON object a line:
/// <c>{"id":"7","correct":true}</c>, or <c>{"id":"7","prediction":"refund","reference":"refund"}</c>, or
/// <c>{"id":"7","score":0.83,"signature":"answer_f1|…"}</c>; further metrics in <c>"scores":{"tone":0.9}</c> (0 to 1 each). Optional members
/// <c>language</c>, <c>cluster</c>, <c>strata</c>, <c>failure</c> (<c>unparsed</c>, <c>error</c> …), <c>latencyMs</c> and <c>cost</c>.
/// </summary>
/// <remarks>
/// The suite's hash is made of ids, clusters and languages (and references, where given), so two files compare only when they speak of
/// the same items.
/// </remarks>
public static class PredictionFile
{
    /// <summary>The metric of <c>correct</c> and of <c>prediction</c> with <c>reference</c>.</summary>
    public const string Metric = "exact_match";

    /// <summary>The metric of <c>score</c>.</summary>
    public const string ScoreMetric = "score";

    /// <summary>Reads <paramref name="lines"/>.</summary>
    /// <param name="name">The candidate's name in messages, the file name usually.</param>
    /// <param name="lines">The lines of the file; blank lines are passed over.</param>
    /// <exception cref="InvalidDataException">Lines are wrong; the message names up to ten with what is wrong in each.</exception>
    public static Scorecard Read(string name, IEnumerable<string> lines) => Read(name, Encoding.UTF8.GetBytes(string.Join('\n', lines)));

    /// <summary>Reads the bytes of a file, on all cores.</summary>
    /// <inheritdoc cref="Read(string, IEnumerable{string})"/>
    public static Scorecard Read(string name, ReadOnlyMemory<byte> utf8)
    {
        var chunks = Chunks(utf8.Span);
        var parts = new (List<ResultRow> Rows, List<(int Line, string Fault)> Faults)[chunks.Count];
        Parallel.For(0, chunks.Count, i => parts[i] = Read(utf8.Span.Slice(chunks[i].Start, chunks[i].Length), chunks[i].Line));
        List<(int Line, string Fault)> faults = [.. parts.SelectMany(p => p.Faults)];
        ResultRow[] rows = [.. parts.SelectMany(p => p.Rows)];
        var signature = rows.Length == 0 ? null : rows[0].Signature;
        if (faults.Count == 0 && Array.Find(rows, r => r.Signature != signature) is { Item: { } stray } other)
        {
            faults.Add((0, $"item '{stray.Id}': 'signature' is '{other.Signature}', the lines before have '{signature}'"));
        }

        if (faults.Count > 0)
        {
            var more = faults.Count > 10 ? $"\n  and {faults.Count - 10} more" : "";
            throw new InvalidDataException($"{name} has {faults.Count} wrong line(s):\n  {string.Join("\n  ", faults.Take(10).Select(f => f.Line > 0 ? $"line {f.Line}: {f.Fault}" : f.Fault))}{more}");
        }

        if (!Sorted(rows))
        {
            rows = [.. rows.OrderBy(r => r.Item.Id, StringComparer.Ordinal)];
        }

        var ordered = Array.ConvertAll(rows, r => r.Item);
        MetricSpec[] metrics =
        [
            .. ordered.SelectMany(i => i.Scores.Keys).Distinct(StringComparer.Ordinal)
                .Select(m => m == Metric ? new MetricSpec(MetricKind.ExactMatch, null) : new MetricSpec(MetricKind.Score, m, m == ScoreMetric && signature is not null ? signature : null)),
        ];
        metrics = metrics.Length == 0 ? [new MetricSpec(MetricKind.ExactMatch, null)] : metrics;
        return new Scorecard
        {
            SuiteName = "plain file",
            SuiteHash = HashOf(ordered),
            CandidateName = name,
            CandidateKind = "file",
            Metrics = metrics,
            Values = new DeferredList<MetricValue>(() => MetricValues.Of([.. metrics.Where(m => ordered.All(i => i.Scores.ContainsKey(m.Name)))], ordered, new EvaluationOptions())),
            Items = ordered,
            Measurements = Measure(rows),
        };
    }

    /// <summary>Pieces of whole lines, about a mebibyte each, with the number of their first line.</summary>
    private static List<(int Start, int Length, int Line)> Chunks(ReadOnlySpan<byte> bytes)
    {
        var chunks = new List<(int, int, int)>();
        for (int start = bytes.StartsWith("\uFEFF"u8) ? 3 : 0, line = 1; start < bytes.Length;)
        {
            var end = Math.Min(bytes.Length, start + (1 << 20));
            var newline = bytes[end..].IndexOf((byte)'\n');
            end = newline < 0 ? bytes.Length : end + newline + 1;
            chunks.Add((start, end - start, line));
            line += bytes[start..end].Count((byte)'\n');
            start = end;
        }

        return chunks;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (List<ResultRow> Rows, List<(int Line, string Fault)> Faults) Read(ReadOnlySpan<byte> bytes, int number)
    {
        var rows = new List<ResultRow>();
        var faults = new List<(int, string)>();
        var usual = new ResultLine();
        for (; bytes.Length > 0; number++)
        {
            var end = bytes.IndexOf((byte)'\n');
            var line = end < 0 ? bytes : bytes[..end];
            bytes = end < 0 ? default : bytes[(end + 1)..];
            if (line.Trim(" \t\r"u8).IsEmpty)
            {
                continue;
            }

            if (usual.TryRead(line, out var row))
            {
                rows.Add(row);
                continue;
            }

            try
            {
                var node = JsonNode.Parse(line) as JsonObject ?? throw new FormatException("the line is not a JSON object");
                rows.Add(new ResultRow(Item(node), Text(node, "signature"), Number(node, "latencyMs"), Number(node, "cost")));
            }
            catch (Exception e) when (e is JsonException or FormatException or ArgumentException or InvalidOperationException)
            {
                faults.Add((number, e.Message));
            }
        }

        return (rows, faults);
    }

    private static bool Sorted(ResultRow[] rows)
    {
        for (var i = 1; i < rows.Length; i++)
        {
            if (string.CompareOrdinal(rows[i - 1].Item.Id, rows[i].Item.Id) > 0)
            {
                return false;
            }
        }

        return true;
    }

    private static SideMeasurements? Measure(ResultRow[] rows)
    {
        double[] latency = rows.All(r => r.Latency is not null) ? [.. rows.Select(r => r.Latency!.Value)] : [];
        var sorted = latency.Order().ToArray();
        return rows.Length == 0 || (latency.Length == 0 && rows.Any(r => r.Cost is null)) ? null : new SideMeasurements
        {
            PromptTokens = 0,
            CompletionTokens = 0,
            LatencyMilliseconds = latency,
            LatencyP50Milliseconds = sorted.Length == 0 ? null : sorted[(sorted.Length - 1) / 2],
            LatencyP95Milliseconds = sorted.Length == 0 ? null : sorted[(int)Math.Ceiling(0.95 * sorted.Length) - 1],
            LatencyMaxMilliseconds = sorted.Length == 0 ? null : sorted[^1],
            CostOfItems = rows.All(r => r.Cost is not null) ? [.. rows.Select(r => r.Cost!.Value)] : null,
        };
    }

    private static ItemOutcome Item(JsonObject row)
    {
        var id = row["id"] switch
        {
            JsonValue v when v.TryGetValue<string>(out var text) && text.Length > 0 => text,
            JsonValue v when v.TryGetValue<long>(out var whole) => whole.ToString(),
            _ => throw new FormatException("has no id"),
        };
        var failure = Text(row, "failure");
        JsonObject? prediction = null, reference = null;
        var scores = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var (name, value) in row["scores"] as JsonObject ?? [])
        {
            scores[name] = Score(name, value, failure);
        }

        bool? right = null;
        if (row.ContainsKey(ScoreMetric))
        {
            scores[ScoreMetric] = Score(ScoreMetric, row[ScoreMetric], failure);
        }
        else if (row.ContainsKey("correct"))
        {
            right = row["correct"] switch
            {
                JsonValue v when v.TryGetValue<bool>(out var flag) => flag,
                JsonValue v when v.TryGetValue<double>(out var score) && score is 0 or 1 => score == 1,
                null when failure is not null => false,
                var other => throw new FormatException($"'correct' is {other?.ToJsonString() ?? "null"}; expected true, false, 1 or 0"),
            };
        }
        else if (row["reference"] is { } expected)
        {
            right = failure is null && JsonNode.DeepEquals(expected, row["prediction"]);
            failure ??= row["prediction"] is null ? FailureKinds.Unparsed : null;
            reference = new JsonObject { ["value"] = expected.DeepClone() };
            prediction = row["prediction"] is { } said ? new JsonObject { ["value"] = said.DeepClone() } : null;
        }
        else if (scores.Count == 0)
        {
            throw new FormatException("has neither 'correct' nor 'score' nor 'prediction' and 'reference'");
        }

        if (right is { } answered)
        {
            scores[Metric] = answered && failure is null ? 1 : 0;
        }

        return new ItemOutcome
        {
            Id = id,
            Cluster = Text(row, "cluster") ?? id,
            Language = Text(row, "language") ?? "und",
            Prediction = prediction,
            Reference = reference,
            Failure = failure,
            Strata = row["strata"] is JsonObject strata ? strata.ToDictionary(s => s.Key, s => s.Value?.ToString() ?? "", StringComparer.Ordinal) : null,
            Scores = scores,
        };
    }

    /// <summary>A score that is not there or not a number travels as NaN: the gate then says that it cannot decide, and on which item.</summary>
    private static double Score(string name, JsonNode? value, string? failure) => value switch
    {
        JsonValue v when v.TryGetValue<double>(out var score) && score is >= 0 and <= 1 => failure is null ? score : 0,
        JsonValue v when v.TryGetValue<double>(out var score) => throw new FormatException($"'{name}' is {score}; expected 0 to 1"),
        null when failure is not null => 0,
        null => double.NaN,
        _ => throw new FormatException($"'{name}' is {value.ToJsonString()}; expected a number from 0 to 1"),
    };

    private static double? Number(JsonObject row, string member) => row[member] switch
    {
        null => null,
        JsonValue v when v.TryGetValue<double>(out var number) && number >= 0 => number,
        var other => throw new FormatException($"'{member}' is {other.ToJsonString()}; expected a number of at least 0"),
    };

    private static string HashOf(IEnumerable<ItemOutcome> items)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = new ArrayBufferWriter<byte>(1 << 16);
        foreach (var item in items)
        {
            Put(item.Id, '\0');
            Put(item.Cluster, '\0');
            Put(item.Language, '\0');
            if (item.Reference is not null)
            {
                block.Write(CanonicalJson.Serialize(item.Reference));
            }

            foreach (var stratum in item.Strata?.OrderBy(s => s.Key, StringComparer.Ordinal) ?? Enumerable.Empty<KeyValuePair<string, string>>())
            {
                Encoding.UTF8.GetBytes("\0", block);
                Put(stratum.Key, '=');
                Encoding.UTF8.GetBytes(stratum.Value, block);
            }

            Put("", '\n');
            if (block.WrittenCount > 1 << 15)
            {
                hash.AppendData(block.WrittenSpan);
                block.ResetWrittenCount();
            }
        }

        hash.AppendData(block.WrittenSpan);
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Put(string text, char end)
        {
            Encoding.UTF8.GetBytes(text, block);
            block.GetSpan(1)[0] = (byte)end;
            block.Advance(1);
        }
    }

    private static string? Text(JsonObject row, string member) => row[member] is JsonValue v && v.TryGetValue<string>(out var text) ? text : null;
}
