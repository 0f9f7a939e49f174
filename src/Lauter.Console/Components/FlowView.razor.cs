using Lauter.Console.Texts;
using Lauter.Console.Views;
using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.Logging;

namespace Lauter.Console.Components;

/// <summary>The page of the flow: reads a snapshot and shows its parts; reads again every few seconds while the page is open.</summary>
public sealed partial class FlowView
{
    private readonly CancellationTokenSource _closed = new();
    private ConsoleSnapshot? _snapshot;
    private string? _failure;

    /// <summary>Language tag of the texts.</summary>
    [Parameter]
    [EditorRequired]
    public string Language { get; set; } = ConsoleTexts.Default;

    /// <summary>Project to show.</summary>
    [Parameter]
    [EditorRequired]
    public string Project { get; set; } = "";

    private ConsoleTexts T { get; set; } = ConsoleTexts.For(ConsoleTexts.Default);

    private Numbers N { get; set; } = new(ConsoleTexts.For(ConsoleTexts.Default));

    /// <summary>Ends the refreshing.</summary>
    public void Dispose()
    {
        _closed.Cancel();
        _closed.Dispose();
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        T = ConsoleTexts.For(Language);
        N = new Numbers(T);
    }

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync() => await ReadAsync(_closed.Token);

    /// <inheritdoc/>
    protected override void OnAfterRender(bool firstRender)
    {
        if (firstRender)
        {
            _ = RefreshAsync(_closed.Token);
        }
    }

    /// <summary>The full address: the page's base would drop the query, and with it the language asked for.</summary>
    private string AnchorOf(FlowStation station) => Navigation.Uri.Split('#')[0] + "#" + station.Name;

    private async Task RefreshAsync(CancellationToken closed)
    {
        try
        {
            while (true)
            {
                var pause = _snapshot is { Activities.Count: > 0 } ? Options.RefreshWhileRunning : Options.RefreshWhileIdle;
                await Task.Delay(pause, Time, closed);
                await InvokeAsync(async () =>
                {
                    await ReadAsync(closed);
                    StateHasChanged();
                });
            }
        }
        catch (OperationCanceledException)
        {
            // The page was closed.
        }
    }

    private async Task ReadAsync(CancellationToken closed)
    {
        try
        {
            _snapshot = await Source.GetAsync(Project, closed);
            _failure = null;
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            // The page keeps its last numbers and says that they are old: a console that dies with its source shows nothing when it matters.
            _failure = fault.Message;
            LogFailure(Logger, fault);
        }
    }

    [LoggerMessage(LogLevel.Error, "The console's numbers could not be read.")]
    private static partial void LogFailure(ILogger logger, Exception fault);
}
