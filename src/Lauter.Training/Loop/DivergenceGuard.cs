using Lauter.Training.Examples;

namespace Lauter.Training.Loop;

/// <summary>
/// Ends a run that can no longer succeed: at once for a loss or gradient that is not a number, and after several steps in a row whose loss
/// lies far above the recent mean. One bad batch is no reason to stop.
/// </summary>
internal sealed class DivergenceGuard
{
    public const int Window = 100;
    public const double SpikeFactor = 2;
    public const int SpikesInARow = 10;

    private const int Recent = 20;

    private readonly Queue<double> _losses;
    private int _spikes;

    /// <param name="losses">The latest losses of the run that is resumed, oldest first.</param>
    /// <param name="spikes">How many of them, at the end, were spikes.</param>
    public DivergenceGuard(IEnumerable<double>? losses = null, int spikes = 0)
    {
        _losses = new Queue<double>(losses ?? []);
        _spikes = spikes;
    }

    public IReadOnlyCollection<double> Losses => _losses;

    public int Spikes => _spikes;

    /// <summary>Spikes right before the step that was checked last.</summary>
    public int LastSpikes { get; private set; }

    /// <summary>Mean of the latest losses, spikes left out; NaN before the first.</summary>
    public double RecentLoss => _losses.Count == 0 ? double.NaN : _losses.Skip(_losses.Count - Recent).Average();

    /// <exception cref="TrainingFailedException">The run diverged.</exception>
    public void Check(int step, double loss, double gradientNorm, double learningRate, IReadOnlyList<TrainingExample>? rows = null)
    {
        LastSpikes = _spikes;
        if (!double.IsFinite(loss) || !double.IsFinite(gradientNorm))
        {
            throw new TrainingFailedException(
                $"Step {step}: the loss is {loss} and the gradient norm {gradientNorm} at learning rate {learningRate:G3}. Lower learning_rate, or look for damaged rows among {Name(rows)}.");
        }

        _spikes = _losses.Count == Window && loss >= SpikeFactor * _losses.Average() ? _spikes + 1 : 0;
        if (_spikes >= SpikesInARow)
        {
            throw new TrainingFailedException(
                $"Step {step}: the loss {loss:F3} has been at least {SpikeFactor} times the mean of the last {Window} steps ({_losses.Average():F3}) for {SpikesInARow} steps. Lower learning_rate from {learningRate:G3}; the last step had {Name(rows)}.");
        }

        if (_spikes == 0)
        {
            _losses.Enqueue(loss);
            if (_losses.Count > Window)
            {
                _losses.Dequeue();
            }
        }
    }

    private static string Name(IReadOnlyList<TrainingExample>? rows)
    {
        const int Most = 8;
        return rows is null or [] ? "the examples" : $"the rows {string.Join(", ", rows.Take(Most).Select(r => r.Id))}{(rows.Count > Most ? $" and {rows.Count - Most} more" : "")}";
    }
}
