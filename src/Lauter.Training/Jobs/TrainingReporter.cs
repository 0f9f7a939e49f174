using Lauter.Training.Checkpoints;
using Lauter.Training.Loop;

namespace Lauter.Training.Jobs;

/// <summary>
/// Turns what the loop does into events. The parent hears of progress by the clock; metrics.jsonl gets the loss at fixed steps and every
/// validation, without times, so that the same training writes the same file, stopped and resumed or not.
/// </summary>
internal sealed class TrainingReporter : ITrainingObserver, IDisposable
{
    private const double SecondsBetweenProgress = 0.5;
    private const double RateSmoothing = 0.2;
    private const int CurvePoints = 200;

    private readonly TextWriter _events;
    private readonly TimeProvider _time;
    private readonly StreamWriter _metrics;
    private long _last;
    private int _steps;
    private long _tokens;
    private double _loss;
    private double? _secondsPerStep;

    public TrainingReporter(TextWriter events, string metricsPath, int resumedStep, TimeProvider time)
    {
        (_events, _time) = (events, time);
        _last = time.GetTimestamp();

        // A resumed run repeats the steps after its checkpoint; their old lines go.
        var kept = File.Exists(metricsPath)
            ? File.ReadAllLines(metricsPath).Where(l => TrainingEvent.TryParse(l) is { Step: { } step } && step <= resumedStep).ToArray()
            : [];
        _metrics = new StreamWriter(metricsPath, append: false) { AutoFlush = true };
        foreach (var line in kept)
        {
            _metrics.WriteLine(line);
        }
    }

    /// <summary>CPU seconds of earlier processes of this run.</summary>
    public double EarlierCpuSeconds { get; set; }

    public void Stepped(StepReport report)
    {
        _tokens += report.Tokens;
        _loss += report.Loss;
        _steps++;
        if (report.Step % Math.Max(1, report.Steps / CurvePoints) == 0 || report.Step == report.Steps)
        {
            Record(new TrainingEvent
            {
                Kind = TrainingEventKinds.Progress,
                Step = report.Step,
                Steps = report.Steps,
                Loss = Math.Round(report.RecentLoss, 5),
                LearningRate = report.LearningRate,
            });
        }

        var seconds = _time.GetElapsedTime(_last).TotalSeconds;
        if (seconds < SecondsBetweenProgress && report.Step < report.Steps)
        {
            return;
        }

        var perStep = seconds / _steps;
        _secondsPerStep = _secondsPerStep is { } old ? old + (RateSmoothing * (perStep - old)) : perStep;
        Send(new TrainingEvent
        {
            Kind = TrainingEventKinds.Progress,
            Step = report.Step,
            Steps = report.Steps,
            Loss = Math.Round(_loss / _steps, 5),
            LearningRate = report.LearningRate,
            TokensPerSecond = Math.Round(_tokens / Math.Max(seconds, 1e-9), 1),
            SecondsLeft = Math.Round(_secondsPerStep.Value * (report.Steps - report.Step), 1),
        });
        (_steps, _tokens, _loss, _last) = (0, 0, 0, _time.GetTimestamp());
    }

    public void Validated(int step, ValidationResult result, bool isBest)
    {
        var validation = new TrainingEvent
        {
            Kind = TrainingEventKinds.Validation,
            Step = step,
            ValidationLoss = Math.Round(result.Loss, 5),
            ValidationExactMatch = Math.Round(result.ExactMatch, 5),
            ValidationTokenAccuracy = Math.Round(result.TokenAccuracy, 5),
            Message = isBest ? "best so far" : null,
        };
        Record(validation);
        Send(validation);
    }

    public void RolledBack(int step, int to, string message)
    {
        var rolledBack = new TrainingEvent { Kind = TrainingEventKinds.RolledBack, Step = to, Message = message };
        Record(rolledBack);
        Send(rolledBack with { Step = step });
    }

    public void Saved(int step) => Send(new TrainingEvent { Kind = TrainingEventKinds.Checkpoint, Step = step });

    /// <summary>Sends an event with the meters of this moment.</summary>
    public void Send(TrainingEvent trainingEvent)
    {
        _events.WriteLine(WithMeters(trainingEvent).ToJson());
        _events.Flush();
    }

    public void Dispose() => _metrics.Dispose();

    private void Record(TrainingEvent trainingEvent) => _metrics.WriteLine(trainingEvent.ToJson());

    private TrainingEvent WithMeters(TrainingEvent trainingEvent) => trainingEvent with
    {
        CpuSeconds = Math.Round(EarlierCpuSeconds + ProcessMeters.CpuSeconds(), 2),
        PeakMemoryBytes = ProcessMeters.PeakMemoryBytes(),
    };
}
