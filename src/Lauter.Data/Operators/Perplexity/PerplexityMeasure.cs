using Lauter.Data.Operators.Measures;
using Lauter.Data.Text;

namespace Lauter.Data.Operators.Perplexity;

/// <summary>How surprising a text is to a model of clean text. The model's hash is part of the measure's name, so a new model is a new column.</summary>
internal sealed class PerplexityMeasure(CharacterModel model) : Measure
{
    public override string Name => "perplexity " + model.Key;

    public override int Version => 1;

    public override IReadOnlyList<string> Columns { get; } = ["perplexity"];

    public static Func<Measure> Open(OperatorCall call)
    {
        var file = call.File("model") ?? throw new InvalidOperationException("The model of 'drop_perplexity' was not learned yet.");
        var model = CharacterModel.Read(File.ReadAllBytes(file));
        return () => new PerplexityMeasure(model);
    }

    public override void Take(TextView text, Span<double> values) => values[0] = model.Perplexity(text.Text, text.Language);
}
