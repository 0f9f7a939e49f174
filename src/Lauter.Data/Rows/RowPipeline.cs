using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Data.Operators;
using Lauter.Data.Operators.Measures;
using Lauter.Data.Operators.Perplexity;
using Lauter.Data.Operators.WholeRows;
using Lauter.Data.Redaction;

namespace Lauter.Data.Rows;

/// <summary>A row on its way out of a pipeline.</summary>
/// <param name="Line">The row that <paramref name="Outcome"/> is about, before the last edits of its text.</param>
/// <param name="Outcome">What became of it.</param>
internal readonly record struct RowPiece(ReadOnlyMemory<byte> Line, RowOutcome Outcome);

/// <summary>
/// A recipe as stages: programs over the text (edits, then rules) and operators over whole rows, in the order of the recipe; the last is always a program.
/// One row may come out as none, one or several. A recipe without whole-row operators is one program, and costs nothing more. Not thread-safe.
/// </summary>
internal sealed class RowPipeline
{
    private readonly List<(RowProgram? Program, Func<ReadOnlyMemory<byte>, RowChange>? Change)> _stages = [];
    private readonly RowFields _fields;
    private readonly SuiteMeasure? _suites;

    public RowPipeline(Recipe recipe, string textField, string idField, LineFrequencies? frequencies = null)
    {
        _fields = new RowFields(textField, idField);
        var part = new List<OperatorCall>();
        foreach (var call in recipe.Operators)
        {
            if (call.Spec.Kind != OperatorKind.Row)
            {
                part.Add(call);
                continue;
            }

            if (part.Count > 0)
            {
                Add(new Recipe(recipe.Name, part), frequencies);
                part = [];
            }

            _stages.Add((null, RowOperators.All.First(o => o.Spec.Name == call.Spec.Name).Open(call, _fields)));
        }

        Add(_stages.Count == 0 ? recipe : new Recipe(recipe.Name, part), frequencies);
        _suites = recipe.Find("decontaminate") is { } suites ? (SuiteMeasure)SuiteMeasure.Open(suites)() : null;
    }

    /// <summary>A pipeline outside a run, which learns what the recipe leaves to be learned and leaves no file behind.</summary>
    public static async Task<RowPipeline> OpenAsync(Recipe recipe, IReadOnlyList<SourceFile> inputs, string textField, string idField, CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("lauter-recipe-");
        try
        {
            return new RowPipeline(await PerplexityTraining.LearnMissingAsync(recipe, inputs, textField, idField, folder.FullName, cancellation), textField, idField);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Programs in order.</summary>
    public IReadOnlyList<RowProgram> Programs => [.. _stages.Select(s => s.Program).OfType<RowProgram>()];

    /// <summary>The last program, whose measured numbers stand in scores and histograms.</summary>
    public RowProgram Last => _stages[^1].Program!;

    /// <summary>Does one row.</summary>
    /// <param name="line">A JSON object.</param>
    /// <param name="fallbackId">Id of a row that has none.</param>
    /// <param name="cache">Of the row's shard.</param>
    /// <param name="pieces">Receives what comes out, in order.</param>
    /// <exception cref="RowFault">The line is no row.</exception>
    public void Run(ReadOnlyMemory<byte> line, Func<string> fallbackId, RowCache? cache, List<RowPiece> pieces)
    {
        pieces.Clear();
        Run(0, line, fallbackId, cache, pieces);
    }

    private void Run(int stage, ReadOnlyMemory<byte> line, Func<string> fallbackId, RowCache? cache, List<RowPiece> pieces)
    {
        var (program, change) = _stages[stage];
        if (program is not null)
        {
            var outcome = program.Run(line.Span, fallbackId, cache);
            if (outcome.Verdict is { Reason: SuiteMeasure.Reason } hit && _suites?.Describe(outcome.Text ?? program.OriginalText(line.Span, outcome)) is { } where)
            {
                outcome = outcome with { Verdict = hit with { Detail = $"{hit.Detail} {where}" } };
            }

            if (stage == _stages.Count - 1 || outcome.Verdict is not null)
            {
                pieces.Add(new RowPiece(line, stage == _stages.Count - 1 ? outcome : outcome with { Values = [] }));
            }
            else
            {
                Run(stage + 1, outcome.IsChanged ? WithText(line, outcome) : line, fallbackId, cache, pieces);
            }

            return;
        }

        var (verdict, lines) = change!(line);
        if (verdict is not null)
        {
            var text = Encoding.UTF8.GetString(line.Span);
            pieces.Add(new RowPiece(line, new RowOutcome(IdOf(line) ?? fallbackId(), Text.LanguageDetector.Undetermined, [], verdict, text, false, 0, 0)));
            return;
        }

        foreach (var next in lines ?? [line])
        {
            Run(stage + 1, next, fallbackId, cache, pieces);
        }
    }

    private void Add(Recipe recipe, LineFrequencies? frequencies) => _stages.Add((new RowProgram(recipe, _fields.Text, _fields.Id, frequencies), null));

    private static byte[] WithText(ReadOnlyMemory<byte> line, RowOutcome outcome) =>
    [
        .. line.Span[..outcome.TextStart], .. JsonSerializer.SerializeToUtf8Bytes(outcome.Text, RowOperator.Relaxed), .. line.Span[(outcome.TextStart + outcome.TextLength)..],
    ];

    private string? IdOf(ReadOnlyMemory<byte> line) => RowOperator.TryParse(line)?[_fields.Id] switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.String => value.GetValue<string>(),
        var other => other.ToJsonString(),
    };
}
