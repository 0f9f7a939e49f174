using Lauter.Data.Operators.Measures;
using Lauter.Data.Text;

namespace Lauter.Data.Operators;

/// <summary>What was measured of a text; recipes compare these numbers with thresholds without reading the text again.</summary>
/// <param name="Language"><c>en</c>, <c>zh</c> or <c>und</c>: whose thresholds count.</param>
/// <param name="Values">By the columns of <see cref="MeasurePlan.All"/>.</param>
internal readonly record struct Scores(string Language, double[] Values);

/// <summary>Takes all measures, so that whatever rule is added later finds its number. Holds buffers: one for each worker, not thread-safe.</summary>
internal sealed class Scorer
{
    private readonly MeasurePlan _plan = MeasurePlan.All;
    private readonly Measure[] _measures = MeasurePlan.All.Open();
    private readonly TextView _view = new();

    /// <summary>Measures a text. Markdown marks count as punctuation.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="language">What is known of its language; null detects it.</param>
    public Scores Of(string text, string? language = null)
    {
        _view.Load(text);
        _view.Language = language ?? _view.Language;
        var values = new double[_plan.Columns.Count];
        for (var i = 0; i < _measures.Length; i++)
        {
            _measures[i].Take(_view, values.AsSpan(_plan.Measures[i].First, _plan.Measures[i].Count));
        }

        return new Scores(_view.Language, values);
    }
}
