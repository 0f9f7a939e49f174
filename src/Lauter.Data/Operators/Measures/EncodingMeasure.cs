using Lauter.Data.Text;

namespace Lauter.Data.Operators.Measures;

/// <summary>What wrong decodings left behind after repair. By lines: a broken line of a long text is a small share of its characters, and still rubbish.</summary>
internal sealed class EncodingMeasure : Measure
{
    public override string Name => "encoding";

    public override int Version => 1;

    public override IReadOnlyList<string> Columns { get; } = ["broken_lines"];

    public override void Take(TextView text, Span<double> values) => values[0] = Mojibake.BrokenLines(text.Text);
}
