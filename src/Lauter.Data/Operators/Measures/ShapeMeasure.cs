using Lauter.Data.Text;

namespace Lauter.Data.Operators.Measures;

/// <summary>Sizes and shares of kinds of characters; all but free, since cutting counted them.</summary>
internal sealed class ShapeMeasure : Measure
{
    public override string Name => "shape";

    public override int Version => 2;

    public override IReadOnlyList<string> Columns { get; } =
        ["units", "characters", "letters", "garbled", "alphanumeric", "digits", "white", "punctuation", "special", "language_score"];

    public override void Take(TextView text, Span<double> values)
    {
        var c = text.Characters;
        var hanWords = 0;
        foreach (var flags in text.Flags)
        {
            hanWords += flags.HasFlag(TokenFlags.Han) ? 1 : 0;
        }

        var visible = c.All - c.White;
        var garbled = c.Garbled + (Mojibake.SuspiciousPairs(text.Text) * 2);
        values[0] = text.Words - hanWords + c.Han;
        values[1] = c.All;

        // Prose punctuation is never held against a text: Chinese has four times as much of it as English.
        values[2] = Ratio(c.Letters + c.Digits, visible - c.Prose - c.Garbled);
        values[3] = Math.Min(1, Ratio(garbled, visible));
        values[4] = Ratio(c.Letters + c.Digits, c.All);
        values[5] = Ratio(c.Digits, c.All);
        values[6] = Ratio(c.White, c.All);
        values[7] = Ratio(c.Prose, c.All);
        values[8] = Ratio(c.Signs + c.Garbled, c.All);
        values[9] = text.LanguageScore;
    }
}
