using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Data.Operators;
using Lauter.Data.Operators.Measures;
using Lauter.Data.Redaction;
using Lauter.Data.Text;

namespace Lauter.Data.Rows;

/// <summary>What became of one row.</summary>
/// <param name="Id">The row's own, or derived.</param>
/// <param name="Language">Whose thresholds counted.</param>
/// <param name="Values">By the columns of the plan.</param>
/// <param name="Verdict">Null: the row stays.</param>
/// <param name="Text">The text after the edits when an edit changed it, or when it was at hand; null otherwise.</param>
/// <param name="IsChanged">An edit changed the text.</param>
/// <param name="TextStart">Where the line holds the text, quotes included.</param>
/// <param name="TextLength">Bytes.</param>
internal readonly record struct RowOutcome(string Id, string Language, double[] Values, DropVerdict? Verdict, string? Text, bool IsChanged, int TextStart, int TextLength);

/// <summary>
/// Runs a recipe over rows: (1) find the text in the line, (2) edits in order, (3) measures, (4) rules. Each of the first three is looked up by hash
/// before it is done, and a text is read out of its row only when something has to look at it. Not thread-safe: one for each worker.
/// </summary>
internal sealed class RowProgram
{
    private static readonly UInt128 LanguageKey = KeyOf("language 2");
    private static readonly UInt128 TextKey = KeyOf("text 1");

    private readonly RowParser _parser;
    private readonly UInt128 _lineKey;
    private readonly List<(string Name, UInt128 Key, Func<string, string> Edit)> _edits = [];
    private readonly MeasurePlan _plan;
    private readonly Measure[] _measures;
    private readonly UInt128[] _measureKeys;
    private readonly DropRules _rules;
    private readonly TextView _view = new();
    private readonly TextEdits _textEdits;
    private readonly List<(PersonalDataKind Kind, int Count)> _newRedactions = [];

    public RowProgram(Recipe recipe, string textField, string idField, LineFrequencies? frequencies = null)
    {
        var declared = recipe.Find(OperatorCatalog.DropLanguage)?.Text("declared") is { Length: > 0 } field ? field : null;
        _parser = new RowParser(textField, idField, declared);
        _lineKey = KeyOf($"line 1 {textField} {idField} {declared}");
        _rules = DropRules.Of(recipe);
        _plan = _rules.Plan;
        _measures = _plan.Open();
        _measureKeys = [.. _measures.Select(m => KeyOf($"measure {m.Name} {m.Version}"))];
        _textEdits = new TextEdits(recipe, frequencies);
        foreach (var (call, edit, _) in _textEdits.Steps)
        {
            var key = CanonicalJson.Hash(new JsonObject { ["name"] = call.Spec.Name, ["version"] = call.Spec.Version, ["arguments"] = call.Arguments.DeepClone() });
            _edits.Add((call.Spec.Name, KeyOf($"edit {key} {(call.Spec.Name == OperatorCatalog.RemoveBoilerplateLines ? frequencies?.Key : "")}"), edit));
        }

        Changed = new long[_edits.Count];
    }

    public MeasurePlan Plan => _plan;

    public DropRules Rules => _rules;

    public IReadOnlyList<string> EditNames => [.. _edits.Select(e => e.Name)];

    /// <summary>Rows that each edit changed.</summary>
    public long[] Changed { get; }

    /// <summary>Masked personal data by kind.</summary>
    public Dictionary<PersonalDataKind, int> Redactions { get; } = [];

    public long TextsRead { get; private set; }

    public long EditsDone { get; private set; }

    public long MeasuresTaken { get; private set; }

    /// <summary>Bytes of text seen, as they stand in the rows.</summary>
    public long TextBytes { get; private set; }

    /// <summary>Does one row.</summary>
    /// <param name="line">A JSON object.</param>
    /// <param name="fallbackId">Id of a row that has none.</param>
    /// <param name="cache">Of the row's shard.</param>
    /// <exception cref="RowFault">The line is no row.</exception>
    public RowOutcome Run(ReadOnlySpan<byte> line, Func<string> fallbackId, RowCache? cache)
    {
        try
        {
            return RunOnce(line, fallbackId, cache);
        }
        catch (CacheHole)
        {
            // A cache file that lost its end: what it still says is right, but the text is gone. Do the row from its source.
            return RunOnce(line, fallbackId, null);
        }
    }

    private sealed class CacheHole : Exception;

    private RowOutcome RunOnce(ReadOnlySpan<byte> line, Func<string> fallbackId, RowCache? cache)
    {
        // 1. The text's place, and its hash.
        string? original = null;
        RowPlace place;
        UInt128 hash = 0;
        if (cache is not null)
        {
            var key = XxHash128.HashToUInt128(line) + _lineKey;
            if (cache.TryGet(key, out var stored))
            {
                (place, hash) = RowPlace.Read(stored);
            }
            else
            {
                place = _parser.Find(line);
                original = ReadText(line, place);
                hash = HashOf(original);
                cache.Add(key, place.Write(hash));
            }
        }
        else
        {
            place = _parser.Find(line);
            original = ReadText(line, place);
        }

        // 2. Edits. What they count is added at the end, since a hole in the cache starts the row anew.
        _newRedactions.Clear();
        var changedBy = 0UL;
        var text = original;
        var first = hash;
        var changed = false;
        for (var i = 0; i < _edits.Count; i++)
        {
            var (_, key, edit) = _edits[i];
            if (cache is not null && cache.TryGet(hash + key, out var stored))
            {
                var result = BinaryPrimitives.ReadUInt128LittleEndian(stored);
                AddRedactions(stored[16..]);
                if (result != hash)
                {
                    (hash, text, changed) = (result, null, true);
                    changedBy |= 1UL << i;
                }

                continue;
            }

            text ??= Load(line, place, hash, first, cache!);
            _textEdits.Redactions.Clear();
            var edited = edit(text);
            EditsDone++;
            var isNew = !ReferenceEquals(edited, text) && !string.Equals(edited, text, StringComparison.Ordinal);
            foreach (var (kind, count) in _textEdits.Redactions)
            {
                _newRedactions.Add((kind, count));
            }

            if (cache is not null)
            {
                var result = isNew ? HashOf(edited) : hash;
                cache.Add(hash + key, StepRecord(result));
                if (isNew)
                {
                    cache.AddText(result + TextKey, edited);
                }

                hash = result;
            }

            if (isNew)
            {
                (text, changed) = (edited, true);
                changedBy |= 1UL << i;
            }
        }

        // 3. Measures.
        var values = new double[_plan.Columns.Count];
        var loaded = false;
        string? language = null;
        if (cache is not null && cache.TryGet(hash + LanguageKey, out var code))
        {
            language = code[0] switch { 0 => LanguageDetector.English, 1 => LanguageDetector.Chinese, _ => LanguageDetector.Undetermined };
        }

        for (var i = -1; i < _measures.Length; i++)
        {
            var target = i < 0 ? default : values.AsSpan(_plan.Measures[i].First, _plan.Measures[i].Count);
            if (i < 0 ? language is not null : cache is not null && cache.TryGet(hash + _measureKeys[i], out var numbers) && CopyNumbers(numbers, target))
            {
                continue;
            }

            if (!loaded)
            {
                text ??= Load(line, place, hash, first, cache!);
                _view.Load(text);
                loaded = true;
            }

            if (i < 0)
            {
                language = _view.Language;
                cache?.Add(hash + LanguageKey, [(byte)(language switch { LanguageDetector.English => 0, LanguageDetector.Chinese => 1, _ => 2 })]);
                continue;
            }

            _measures[i].Take(_view, target);
            MeasuresTaken++;
            cache?.AddNumbers(hash + _measureKeys[i], target);
        }

        // 4. Rules.
        DropVerdict? verdict = place.Declared.Length > 0 && place.Declared != language && place.Declared is LanguageDetector.English or LanguageDetector.Chinese
            ? new DropVerdict(OperatorCatalog.DropLanguage, "not_the_declared_language", $"the row says '{place.Declared}', its text is '{language}'.")
            : _rules.Check(language!, values);
        if (changed)
        {
            text ??= Load(line, place, hash, first, cache!);
            if (text.AsSpan().IsWhiteSpace())
            {
                verdict = new DropVerdict("clean", "empty_text", "nothing is left of the text.");
            }
        }

        TextBytes += place.Length - 2;
        for (var i = 0; i < _edits.Count; i++)
        {
            Changed[i] += (long)(changedBy >> i) & 1;
        }

        foreach (var (kind, count) in _newRedactions)
        {
            Redactions[kind] = Redactions.GetValueOrDefault(kind) + count;
        }

        return new RowOutcome(place.Id.Length > 0 ? place.Id : fallbackId(), language!, values, verdict, text, changed, place.Start, place.Length);
    }

    /// <summary>The text of a row as it stands in its line.</summary>
    public string OriginalText(ReadOnlySpan<byte> line, RowOutcome outcome) => _parser.Text(line, outcome.TextStart, outcome.TextLength);

    private string Load(ReadOnlySpan<byte> line, RowPlace place, UInt128 hash, UInt128 first, RowCache cache)
    {
        if (hash == first)
        {
            return ReadText(line, place);
        }

        return cache.TryGet(hash + TextKey, out var stored) ? Encoding.UTF8.GetString(stored) : throw new CacheHole();
    }

    private string ReadText(ReadOnlySpan<byte> line, RowPlace place)
    {
        TextsRead++;
        return _parser.Text(line, place.Start, place.Length);
    }

    private static bool CopyNumbers(ReadOnlySpan<byte> numbers, Span<double> target)
    {
        if (numbers.Length != target.Length * sizeof(double))
        {
            return false;
        }

        numbers.CopyTo(MemoryMarshal.AsBytes(target));
        return true;
    }

    private byte[] StepRecord(UInt128 result)
    {
        var record = new byte[16 + (_textEdits.Redactions.Count * 5)];
        BinaryPrimitives.WriteUInt128LittleEndian(record, result);
        var at = 16;
        foreach (var (kind, count) in _textEdits.Redactions)
        {
            record[at] = (byte)kind;
            BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(at + 1), count);
            at += 5;
        }

        return record;
    }

    private void AddRedactions(ReadOnlySpan<byte> record)
    {
        for (; record.Length >= 5; record = record[5..])
        {
            _newRedactions.Add(((PersonalDataKind)record[0], BinaryPrimitives.ReadInt32LittleEndian(record[1..])));
        }
    }

    private static UInt128 HashOf(string text) => XxHash128.HashToUInt128(MemoryMarshal.AsBytes(text.AsSpan()));

    private static UInt128 KeyOf(string name) => XxHash128.HashToUInt128(Encoding.UTF8.GetBytes(name));
}
