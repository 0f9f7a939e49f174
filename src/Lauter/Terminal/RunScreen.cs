using System.Diagnostics;
using Lauter.Catalog.Objects;
using Lauter.Catalog.Plan;
using Spectre.Console;

namespace Lauter.Terminal;

/// <summary>
/// Shows a run: live bars on a terminal, plain lines elsewhere (a step's beginning, a line each ten seconds, its end), nothing with
/// <c>--quiet</c>. Everything goes to standard error, so standard output stays free for data.
/// </summary>
internal sealed class RunScreen : IRunObserver, IDisposable
{
    private static readonly TimeSpan PlainInterval = TimeSpan.FromSeconds(10);
    private readonly IAnsiConsole _console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(System.Console.Error) });
    private readonly Dictionary<string, (ProgressTask? Task, Stopwatch Clock, Stopwatch Quiet)> _running = new(StringComparer.Ordinal);
    private readonly List<IRunObserver> _others = [];
    private readonly bool _live;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ProgressContext? _context;
    private Task _drawing = Task.CompletedTask;

    /// <param name="quiet">Says nothing.</param>
    public RunScreen(bool quiet)
    {
        Quiet = quiet;
        _live = !quiet && !System.Console.IsErrorRedirected && _console.Profile.Capabilities.Interactive;
        if (_live)
        {
            using var ready = new ManualResetEventSlim();
            _drawing = _console.Progress().AutoClear(true).HideCompleted(true)
                .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn { Width = 24 }, new PercentageColumn(), new ElapsedTimeColumn())
                .StartAsync(async context =>
                {
                    _context = context;
                    ready.Set();
                    await _ended.Task;
                });
            ready.Wait();
        }
    }

    private bool Quiet { get; }

    public void Skipped(Step step, StepRecord record) => Tell(o => o.Skipped(step, record));

    public void Started(Step step, IReadOnlyList<string> reasons)
    {
        var task = _context?.AddTask($"[bold]{Markup.Escape(step.Name)}[/]", autoStart: true, maxValue: 1);
        task?.IsIndeterminate(true);
        _running[step.Name] = (task, Stopwatch.StartNew(), Stopwatch.StartNew());
        if (!_live)
        {
            Line($"  [grey]…[/] {Markup.Escape(step.Name)}");
        }

        Tell(o => o.Started(step, reasons));
    }

    public void Progressed(Step step, StepProgress progress)
    {
        if (!_running.TryGetValue(step.Name, out var entry))
        {
            return;
        }

        var (task, clock, quiet) = entry;
        if (task is not null)
        {
            task.Description = $"[bold]{Markup.Escape(step.Name)}[/] [grey]{Markup.Escape(progress.Text)}[/]";
            task.IsIndeterminate(progress.Fraction is null);
            task.Value = progress.Fraction ?? 0;
        }
        else if (!_live && quiet.Elapsed >= PlainInterval)
        {
            quiet.Restart();
            var share = progress.Fraction is { } f ? $"{f:P0} · " : "";
            Line($"  [grey]…[/] {Markup.Escape(step.Name)} [grey]{share}{Markup.Escape(progress.Text)} · {clock.Elapsed.TotalSeconds:0} s[/]");
        }

        Tell(o => o.Progressed(step, progress));
    }

    public void Finished(Step step, StepRecord record, Manifest manifest)
    {
        End(step);
        Line($"  [green]✓[/] [bold]{Markup.Escape(step.Name)}[/] {Markup.Escape(StepSummary.Of(manifest))} [grey]{record.WallSeconds:0.0} s[/]");
        Tell(o => o.Finished(step, record, manifest));
    }

    public void Failed(Step step, Exception exception, bool cancelled, double coreSeconds)
    {
        End(step);
        Line(cancelled
            ? $"  [yellow]■[/] [bold]{Markup.Escape(step.Name)}[/] stopped; its work so far is kept"
            : $"  [red]✗[/] [bold]{Markup.Escape(step.Name)}[/] {Markup.Escape(exception.Message)}");
        Tell(o => o.Failed(step, exception, cancelled, coreSeconds));
    }

    /// <summary>Lets <paramref name="other"/> hear the same events until the result is disposed.</summary>
    public IDisposable Also(IRunObserver other)
    {
        _others.Add(other);
        return new Registration(() => _others.Remove(other));
    }

    /// <summary>Writes a line of its own, above the bars.</summary>
    public void Line(string markup)
    {
        if (!Quiet)
        {
            _console.MarkupLine(markup);
        }
    }

    public void Dispose()
    {
        _ended.TrySetResult();
        _drawing.Wait();
    }

    private void End(Step step)
    {
        if (_running.Remove(step.Name, out var entry) && entry.Task is { } task)
        {
            task.Value = 1;
            task.StopTask();
        }
    }

    private void Tell(Action<IRunObserver> tell)
    {
        foreach (var other in _others)
        {
            tell(other);
        }
    }

    private sealed class Registration(Action undo) : IDisposable
    {
        public void Dispose() => undo();
    }
}
