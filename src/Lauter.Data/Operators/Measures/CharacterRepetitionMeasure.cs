using Lauter.Data.Text;

namespace Lauter.Data.Operators.Measures;

/// <summary>Share of character 10-grams that were seen before in the text (Data-Juicer's character repetition counts nearly so).</summary>
internal sealed class CharacterRepetitionMeasure : Measure
{
    private const int Size = 10;
    private const ulong Base = 0x9E3779B97F4A7C15UL | 1;

    private readonly NGramTable _table = new();

    public override string Name => "characters";

    public override int Version => 1;

    public override IReadOnlyList<string> Columns { get; } = ["character_repetition"];

    public override void Take(TextView text, Span<double> values)
    {
        var span = text.Text.AsSpan();
        var grams = span.Length - Size + 1;
        values[0] = 0;
        if (grams <= 0)
        {
            return;
        }

        var leaving = 1UL;
        for (var i = 1; i < Size; i++)
        {
            leaving *= Base;
        }

        _table.Clear(grams);
        var hash = 0UL;
        var repeated = 0;
        for (var i = 0; i < span.Length; i++)
        {
            if (i >= Size)
            {
                hash -= (span[i - Size] + 1UL) * leaving;
            }

            hash = (hash * Base) + span[i] + 1;
            if (i >= Size - 1)
            {
                repeated += _table.Add(hash ^ (hash >> 31)) > 1 ? 1 : 0;
            }
        }

        values[0] = Ratio(repeated, grams);
    }
}
