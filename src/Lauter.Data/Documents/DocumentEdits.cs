using Lauter.Data.Export;
using Lauter.Data.Operators;
using Lauter.Data.Readers;
using Lauter.Data.Redaction;
using Lauter.Data.Text;

namespace Lauter.Data.Documents;

/// <summary>What editing a corpus left and counted.</summary>
internal sealed record EditedCorpus(IReadOnlyList<DocumentRow> Rows, Dictionary<PersonalDataKind, int> Redactions, int Repaired, int NavigationBlocks, int BoilerplateLines);

/// <summary>
/// The edits of a recipe over a corpus: (1) block by block in recipe order, one worker a core, (2) navigation out, (3) lines that stand in many
/// documents out. Code keeps its blanks; headings, tables and code are never taken for boilerplate.
/// </summary>
internal static class DocumentEdits
{
    private const int ShortestBoilerplate = 4;

    public static EditedCorpus Run(IReadOnlyList<DocumentRow> rows, Recipe recipe, IProgress<DataProgress>? progress, CancellationToken cancellation)
    {
        var edited = new List<DocumentBlock>[rows.Count];
        var redactions = new Dictionary<PersonalDataKind, int>();
        int done = 0, repaired = 0, navigation = 0;
        var repairs = recipe.Find(OperatorCatalog.RepairEncoding) is not null;
        var removesNavigation = recipe.Find(OperatorCatalog.RemoveNavigation) is not null;
        Parallel.For(0, rows.Count, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            var edits = new TextEdits(recipe);
            var blocks = DocumentBlocks.Split(rows[i].Text, rows[i].Blocks);
            var isRepaired = repairs && !ReferenceEquals(Mojibake.Repair(rows[i].Text), rows[i].Text);
            var before = blocks.Count;
            if (removesNavigation)
            {
                blocks.RemoveAll(b => b.Kind == BlockKinds.Navigation);
            }

            var removed = before - blocks.Count;
            edited[i] = [.. blocks.Select(b => b with { Text = edits.Apply(b.Text, b.Kind == BlockKinds.Code) }).Where(b => !b.Text.AsSpan().IsWhiteSpace())];
            lock (redactions)
            {
                foreach (var (kind, count) in edits.Redactions)
                {
                    redactions[kind] = redactions.GetValueOrDefault(kind) + count;
                }

                repaired += isRepaired ? 1 : 0;
                navigation += removed;
                progress?.Report(new DataProgress("clean", ++done, rows.Count));
            }
        });

        var lines = recipe.Find(OperatorCatalog.RemoveBoilerplateLines) is { } call ? RemoveBoilerplate(edited, call) : 0;
        var result = new List<DocumentRow>(rows.Count);
        for (var i = 0; i < rows.Count; i++)
        {
            var (text, blocks) = DocumentBlocks.Join(edited[i]);
            result.Add(rows[i] with { Text = text, Blocks = blocks, Id = Rejects.IdOf(rows[i].Path, text), Title = new TextEdits(recipe).Apply(rows[i].Title) });
        }

        return new EditedCorpus(result, redactions, repaired, navigation, lines);
    }

    private static int RemoveBoilerplate(List<DocumentBlock>[] corpus, OperatorCall call)
    {
        var documents = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var blocks in corpus)
        {
            foreach (var line in blocks.Where(MayHoldBoilerplate).SelectMany(b => b.Text.Split('\n')).Select(TextFolding.Fold).Where(l => l.Length >= ShortestBoilerplate).Distinct(StringComparer.Ordinal))
            {
                documents[line] = documents.GetValueOrDefault(line) + 1;
            }
        }

        var limit = Math.Max(call.Number("documents"), call.Number("share") * corpus.Length);
        var removed = 0;
        foreach (var blocks in corpus)
        {
            for (var i = blocks.Count - 1; i >= 0; i--)
            {
                if (!MayHoldBoilerplate(blocks[i]))
                {
                    continue;
                }

                var lines = blocks[i].Text.Split('\n');
                var kept = lines.Where(l => documents.GetValueOrDefault(TextFolding.Fold(l)) < limit).ToList();
                removed += lines.Length - kept.Count;
                if (kept.Count == 0)
                {
                    blocks.RemoveAt(i);
                }
                else if (kept.Count < lines.Length)
                {
                    blocks[i] = blocks[i] with { Text = string.Join('\n', kept) };
                }
            }
        }

        return removed;
    }

    private static bool MayHoldBoilerplate(DocumentBlock block) => block.Kind is BlockKinds.Paragraph or BlockKinds.List or BlockKinds.Navigation;
}
