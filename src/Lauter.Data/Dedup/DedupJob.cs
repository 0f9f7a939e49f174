using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Data.Export;
using Lauter.Data.Tables;

namespace Lauter.Data.Dedup;

/// <summary>
/// A plain file of rows without its copies: (1) workers read rows and find pairs, (2) clusters are decided, (3) the file is read again and
/// written as <c>kept</c> (each row with <c>cluster</c> and <c>cluster_size</c>) and <c>dropped</c> (which row it copies, how similar), with <c>rejects</c>,
/// <c>superseded</c> and <c>report.json</c>. Equal input gives equal bytes, whatever the number of workers.
/// </summary>
public static class DedupJob
{
    /// <summary>Runs it.</summary>
    /// <exception cref="FileNotFoundException">The input is not there.</exception>
    /// <exception cref="InvalidDataException">The input can't be read as rows, or the state was made with other options.</exception>
    public static DedupReport Run(DedupRequest request, CancellationToken cancellation = default)
    {
        var clock = Stopwatch.StartNew();
        Directory.CreateDirectory(request.Output);
        var report = request.Method is DedupMethod.Sentence or DedupMethod.Paragraph ? PassageJob.Run(request, cancellation) : Run(request, new DedupRows(request), cancellation);
        report = report with { InputBytes = new FileInfo(request.Input).Length, Elapsed = clock.Elapsed };
        ReportFile.Save(request.Output, ToJson(report));
        return report;
    }

    /// <summary>The report as JSON; holds no times, so equal runs give equal reports.</summary>
    public static JsonObject ToJson(DedupReport report) => new()
    {
        ["rows"] = report.Rows, ["kept"] = report.Kept, ["exact_copies"] = report.ExactCopies, ["near_copies"] = report.NearCopies, ["rejected"] = report.Rejected,
        ["superseded"] = report.Superseded, ["clusters"] = report.Clusters, ["largest_cluster"] = report.LargestCluster, ["verified_candidates"] = report.Verified,
        ["passages"] = report.Passages, ["passages_removed"] = report.PassagesRemoved, ["versions"] = report.Versions,
        ["pairs_by_similarity"] = new JsonObject(report.PairsBySimilarity.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)p.Value))),
        ["curve"] = new JsonObject(report.Curve.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)Math.Round(p.Value, 4)))),
        ["input_bytes"] = report.InputBytes,
    };

    internal static string FileOf(DedupRequest request, string name) => Path.Combine(request.Output, name + ((request.Parquet ?? RowFile.IsParquet(request.Input)) ? ".parquet" : ".jsonl"));

    internal static void WriteRejects(DedupRequest request, IReadOnlyDictionary<int, string> faults)
    {
        using var rejects = new RowFileWriter(Path.Combine(request.Output, "rejects.jsonl"));
        foreach (var (line, reason) in faults.OrderBy(f => f.Key))
        {
            rejects.Write(JsonSerializer.SerializeToUtf8Bytes(new JsonObject { ["line"] = line, ["reason"] = reason }));
        }

        rejects.Complete();
    }

    private static DedupReport Run(DedupRequest request, DedupRows rows, CancellationToken cancellation)
    {
        if (request.Method is DedupMethod.MinHash or DedupMethod.Exact)
        {
            using var index = DuplicateIndex.Open(request.State, new DuplicateIndexOptions
            {
                ShingleSize = request.ShingleSize, Bands = request.Method == DedupMethod.Exact ? null : request.Bands, Workers = request.Workers,
            });
            var (threshold, earlier, versions) = (request.Threshold ?? 0.7, index.Count, index.Versions);
            var before = versions > 0 ? index.Decide(threshold, request.Keep) : null;
            index.Add(RowFile.Read(request.Input), rows.Parse, cancellation);
            var verdicts = index.Decide(threshold, request.Keep);
            var superseded = WriteSuperseded(request, before, verdicts, index.IdOf);
            return Write(request, rows, verdicts, earlier, index.IdOf, index.Pairs, cancellation) with
            {
                Superseded = superseded, Verified = index.Verified, Versions = request.State is null ? 0 : index.Versions,
                Curve = request.Method == DedupMethod.Exact ? new Dictionary<string, double>() : Steps(0.3).ToDictionary(Name, request.Bands.Probability),
            };
        }

        var documents = new List<IndexedDocument>();
        var first = new Dictionary<UInt128, int>();
        var ids = new List<string>();
        var fingerprints = new List<ulong>();
        var vectors = new List<float[]>();
        var batches = OrderedMap.Run(RowFile.Read(request.Input), batch => rows.ParseRows(batch).Select(r => (r.Document, r.Vector, Hash: request.Method == DedupMethod.SimHash ? SimHash.Of(r.Document.Text, request.ShingleSize) : 0)).ToList(), request.Workers, cancellation);
        foreach (var row in batches.SelectMany(b => b))
        {
            var content = XxHash128.HashToUInt128(MemoryMarshal.AsBytes(row.Document.Text.AsSpan()));
            first.TryAdd(content, documents.Count);
            documents.Add(new IndexedDocument { Content = content, Length = row.Document.Text.Length, Rank = row.Document.Rank, First = first[content] });
            ids.Add(row.Document.Id);
            fingerprints.Add(row.Hash);
            vectors.Add(row.Vector);
        }

        var least = request.Threshold ?? (request.Method == DedupMethod.SimHash ? 0.92 : 0.95);
        var pairs = request.Method == DedupMethod.SimHash
            ? SimHash.Pairs(fingerprints, Math.Clamp((int)Math.Floor((1 - least) * SimHash.Bits), 0, 8), cancellation)
            : VectorDuplicates.Pairs(vectors, least, cancellation: cancellation);
        var copies = Enumerable.Range(0, documents.Count).Where(i => documents[i].First != i).Select(i => (i, documents[i].First));
        var chosen = Survivors.Choose(documents.Count, copies, pairs, i => documents[i], i => documents[i].Name, i => ids[i], least, request.Keep);
        return Write(request, rows, chosen, 0, i => ids[i], pairs, cancellation) with { Verified = pairs.Count };
    }

    private static DedupReport Write(
        DedupRequest request, DedupRows rows, DuplicateVerdicts verdicts, int earlier, Func<int, string> idOf, IReadOnlyList<SimilarPair> pairs, CancellationToken cancellation)
    {
        int count = 0, exact = 0, near = 0;
        var before = rows.RowsBefore();
        using var kept = new RowFileWriter(FileOf(request, "kept"));
        using var dropped = new RowFileWriter(FileOf(request, "dropped"));
        foreach (var part in OrderedMap.Run(RowFile.Read(request.Input), b => Render(b, rows.Faults, verdicts, earlier + before[b.FirstLine], idOf), request.Workers, cancellation))
        {
            kept.WriteLines(part.Kept.WrittenSpan, part.KeptRows);
            dropped.WriteLines(part.Dropped.WrittenSpan, part.Exact + part.Near);
            (count, exact, near) = (count + part.KeptRows + part.Exact + part.Near, exact + part.Exact, near + part.Near);
        }

        kept.Complete();
        dropped.Complete();
        WriteRejects(request, rows.Faults);

        // A cluster counts when a member of it stands in one of the versions: its name is its members', so it is counted once.
        var clusters = verdicts.Members.Values.DistinctBy(v => v.Name).ToList();
        return new DedupReport
        {
            Rows = count, Kept = kept.Rows, ExactCopies = exact, NearCopies = near, Rejected = rows.Faults.Count, Clusters = clusters.Count,
            LargestCluster = clusters.Count == 0 ? 1 : clusters.Max(c => c.ClusterSize),
            PairsBySimilarity = Steps(0.5).ToDictionary(Name, s => pairs.Count(p => p.Similarity >= s && (p.Similarity < s + 0.0999999 || s > 0.95))),
        };
    }

    /// <summary>One batch of the input as lines of the two outputs.</summary>
    private sealed record Part(ArrayBufferWriter<byte> Kept, ArrayBufferWriter<byte> Dropped)
    {
        public int KeptRows { get; set; }

        public int Exact { get; set; }

        public int Near { get; set; }
    }

    private static Part Render(LineBatch batch, ConcurrentDictionary<int, string> faults, DuplicateVerdicts verdicts, int number, Func<int, string> idOf)
    {
        var part = new Part(new ArrayBufferWriter<byte>(batch.Length + (batch.Length / 16) + 64), new ArrayBufferWriter<byte>(4096));
        using var json = new Utf8JsonWriter(part.Dropped, Encoding);
        foreach (var (line, lineNumber) in batch.Lines())
        {
            if (faults.ContainsKey(lineNumber))
            {
                continue;
            }

            var verdict = verdicts[number];
            if (verdict.Leader == number)
            {
                Extend(part.Kept, line.Span, verdict);
                part.Kept.Write("\n"u8);
                part.KeptRows++;
            }
            else
            {
                json.Reset();
                json.WriteStartObject();
                json.WriteString("id", idOf(number));
                json.WriteNumber("line", lineNumber);
                json.WriteString("reason", verdict.Exact ? "exact_copy" : "near_copy");
                json.WriteString("duplicate_of", idOf(verdict.Leader));
                json.WriteNumber("similarity", Math.Round(verdict.Similarity, 4));
                json.WriteString("cluster", verdict.Cluster);
                json.WriteNumber("cluster_size", verdict.ClusterSize);
                json.WriteEndObject();
                json.Flush();
                part.Dropped.Write("\n"u8);
                (part.Exact, part.Near) = verdict.Exact ? (part.Exact + 1, part.Near) : (part.Exact, part.Near + 1);
            }

            number++;
        }

        return part;
    }

    /// <summary>Rows of earlier versions that must go now: the caller removes them from what was published, or lives with both.</summary>
    private static int WriteSuperseded(DedupRequest request, DuplicateVerdicts? before, DuplicateVerdicts now, Func<int, string> idOf)
    {
        var path = Path.Combine(request.Output, "superseded.jsonl");
        if (before is null)
        {
            File.Delete(path);
            return 0;
        }

        using var file = new RowFileWriter(path);
        foreach (var i in now.Members.Keys.Where(k => k < before.Count).Order())
        {
            if (before.LeaderOf(i) == i && now.LeaderOf(i) != i)
            {
                file.Write(JsonSerializer.SerializeToUtf8Bytes(new JsonObject { ["id"] = idOf(i), ["duplicate_of"] = idOf(now[i].Leader), ["similarity"] = Math.Round(now[i].Similarity, 4), ["cluster"] = now[i].Cluster }));
            }
        }

        file.Complete();
        return file.Rows;
    }

    private static readonly JsonWriterOptions Encoding = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The row as it was, byte for byte, with two fields before its closing brace.</summary>
    private static void Extend(ArrayBufferWriter<byte> buffer, ReadOnlySpan<byte> line, DuplicateVerdict verdict)
    {
        if (line.IndexOf("\"cluster"u8) >= 0)
        {
            // An earlier run left its fields, or the row has its own: they are replaced.
            var row = JsonNode.Parse(line)!.AsObject();
            (row["cluster"], row["cluster_size"]) = (verdict.Cluster, verdict.ClusterSize);
            using var json = new Utf8JsonWriter(buffer, Encoding);
            row.WriteTo(json);
            return;
        }

        var body = line[..line.LastIndexOf((byte)'}')];
        buffer.Write(body);
        var separator = body[(body.IndexOf((byte)'{') + 1)..].ContainsAnyExcept((byte)' ', (byte)'\t') ? "," : "";
        buffer.Write(System.Text.Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{separator}\"cluster\":\"{verdict.Cluster}\",\"cluster_size\":{verdict.ClusterSize}}}")));
    }

    private static IEnumerable<double> Steps(double first) => Enumerable.Range((int)Math.Round(first * 10), 11 - (int)Math.Round(first * 10)).Select(i => i / 10.0);

    private static string Name(double step) => step.ToString("0.0", CultureInfo.InvariantCulture);
}
