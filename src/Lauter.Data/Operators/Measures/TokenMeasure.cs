using Lauter.Data.Text;

namespace Lauter.Data.Operators.Measures;

/// <summary>Tokens of the text as a model counts them: what fits its context and what training on it costs.</summary>
internal sealed class TokenMeasure(ITokenCounter counter) : Measure
{
    public override string Name => "tokens " + counter.Key;

    public override int Version => 1;

    public override IReadOnlyList<string> Columns { get; } = ["tokens", "characters_per_token"];

    public static Func<Measure> Open(OperatorCall call)
    {
        var open = call.Context.OpenTokenizer ?? throw new InvalidOperationException($"'{call.Spec.Name}' counts tokens, and no tokenizer can be opened here.");
        var counter = open(call.File("model")!);
        return () => new TokenMeasure(counter);
    }

    public override void Take(TextView text, Span<double> values)
    {
        var tokens = counter.Count(text.Text);
        values[0] = tokens;
        values[1] = Ratio(text.Text.Length, tokens);
    }
}
