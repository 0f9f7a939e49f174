using Lauter.Data.Tables;

namespace Lauter.Data.Dedup;

/// <summary>The passage methods of <see cref="DedupJob"/>: workers cut, one thread removes in file order, so the first occurrence stays.</summary>
internal static class PassageJob
{
    public static DedupReport Run(DedupRequest request, CancellationToken cancellation)
    {
        var passages = new Passages(new PassageOptions(request.Method == DedupMethod.Sentence ? PassageUnit.Sentence : PassageUnit.Paragraph, request.Window));
        var faults = new Dictionary<int, string>();
        int rows = 0, empty = 0, seen = 0, removed = 0;
        using var edit = new JsonEdit();
        using var kept = new RowFileWriter(DedupJob.FileOf(request, "kept"));
        foreach (var row in OrderedMap.Run(RowFile.Read(request.Input), b => Cut(b, passages, request.Fields), request.Workers, cancellation).SelectMany(b => b))
        {
            if (row.Texts is null || Array.TrueForAll(row.Texts, t => t is null))
            {
                faults[row.Number] = row.Texts is null ? "not_json" : "no_text";
                continue;
            }

            rows++;
            var results = row.Texts.Select((t, i) => t is null ? (PassageResult?)null : passages.Remove(t, row.Cuts[i])).ToArray();
            seen += results.Sum(r => r?.Passages ?? 0);
            var gone = results.Sum(r => r?.Removed ?? 0);
            removed += gone;
            if (gone > 0 && Array.TrueForAll(results, r => r is null or { Text.Length: 0 }))
            {
                empty++;
                continue;
            }

            ReadOnlySpan<byte> line = row.Line.Span;
            if (gone > 0)
            {
                edit.TryApply(row.Line, (field, value) => Array.IndexOf([.. request.Fields], field) is >= 0 and var f && value == row.Texts[f] ? results[f]!.Value.Text : value, out line);
            }

            kept.Write(line);
        }

        kept.Complete();
        DedupJob.WriteRejects(request, faults);
        return new DedupReport { Rows = rows, Kept = kept.Rows, ExactCopies = 0, NearCopies = empty, Rejected = faults.Count, Passages = seen, PassagesRemoved = removed };
    }

    private static List<(ReadOnlyMemory<byte> Line, int Number, string?[]? Texts, IReadOnlyList<Passage>[] Cuts)> Cut(LineBatch batch, Passages passages, IReadOnlyList<string> fields)
    {
        var rows = new List<(ReadOnlyMemory<byte>, int, string?[]?, IReadOnlyList<Passage>[])>();
        foreach (var (line, number) in batch.Lines())
        {
            var texts = JsonLines.Fields(line, fields);
            rows.Add((line, number, texts, [.. texts?.Select(t => t is null ? [] : passages.Cut(t)) ?? []]));
        }

        return rows;
    }
}
