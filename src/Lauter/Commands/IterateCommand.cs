using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Catalog.Plan;
using Lauter.Catalog.Projects;
using Lauter.Data.Export;
using Lauter.Gateway;
using Lauter.Hosting;
using Lauter.Ledger;
using Lauter.Releases.Gates;
using Lauter.Releases.Iterations;
using Lauter.Steps;
using Lauter.Terminal;
using Lauter.Traces;
using Spectre.Console;

namespace Lauter.Commands;

/// <summary><c>lauter iterate</c>: one turn of the flywheel, from corrections and later rows to a release that passed its gate.</summary>
internal static class IterateCommand
{
    public static Command Create()
    {
        var project = Arguments.Project();
        var quiet = Arguments.Quiet();
        var anyway = new Option<bool>("--anyway") { Description = "Iterate although the last iterations showed that more data no longer helps." };
        var command = new Command(
            "iterate", "Turn corrections and later rows into a new dataset version, train, gate against the live release, and release only on pass.") { project, anyway, quiet };
        command.SetAction((result, cancellationToken) =>
            RunAsync(Workspace.Open(result.GetValue(project)!), result.GetValue(anyway), result.GetValue(quiet), TimeProvider.System, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(Workspace workspace, bool anyway, bool quiet, TimeProvider time, CancellationToken cancellationToken)
    {
        var application = workspace.Project.Applications.Values.FirstOrDefault(a => a.Model is not null && a.Suite is not null)
            ?? throw new CommandException(ExitCodes.Usage, "no application of this project has a model and a suite, so there is nothing to iterate.");
        if (workspace.Releases.Live(application.Name) is null)
        {
            throw new CommandException(ExitCodes.InputMissing, $"'{application.Name}' has no live release to build on. Run 'lauter up' first.");
        }

        using var screen = new RunScreen(quiet);
        if (!anyway && workspace.Iterations.All().All(i => i.Outcome is not null) && IterationStop.Reason(workspace.Iterations.Gains()) is { } enough)
        {
            screen.Line($"  [yellow]Not iterating:[/] {Markup.Escape(enough)}");
            return ExitCodes.Success;
        }

        var iteration = workspace.Iterations.All().LastOrDefault(i => i.Outcome is null) ?? Begin(workspace, application, screen, time);
        if (iteration is null)
        {
            screen.Line("  [grey]Nothing new: no correction was given and no later row has arrived since the last iteration.[/]");
            return ExitCodes.Success;
        }

        workspace.Iterations.Save(iteration);
        var run = await ProjectRun.RunAsync(workspace, screen, time, cancellationToken);
        var outcomes = await ReleaseFlow.ReleaseAsync(workspace, run.Records, $"iteration {iteration.Number}", cancellationToken);
        workspace.Iterations.Close(outcomes);
        foreach (var outcome in outcomes)
        {
            UpCommand.Tell(screen, outcome);
        }

        var decided = outcomes.First(o => o.Application == application.Name);
        return decided.Verdict?.Decision switch
        {
            GateDecision.Fail => ExitCodes.GateFailed,
            GateDecision.InsufficientEvidence => ExitCodes.GateInsufficient,
            _ => ExitCodes.Success,
        };
    }

    /// <summary>Collects what came in since the last iteration; null when nothing did.</summary>
    private static Iteration? Begin(Workspace workspace, ApplicationDefinition application, RunScreen screen, TimeProvider time)
    {
        var all = workspace.Iterations.All();
        var current = workspace.Iterations.Current(time);
        var number = all.Count == 0 ? 2 : all[^1].Number + 1;
        var dataset = workspace.Project.Datasets[application.Suite!.Split('/')[0]];
        var earlier = LiveReleases.InLiveChain(workspace, "dataset", dataset.Name)
            ?? throw new CommandException(ExitCodes.VerificationFailed, $"the dataset '{dataset.Name}' behind the live release is not in the store. Run 'lauter verify'.");
        var intake = TakeCorrections(workspace, application, dataset, earlier);
        var laterRows = dataset.Later.Count > 0 && workspace.Sources.Find(dataset.Later).Count > 0;
        screen.Line($"  iteration {number}: {intake.Record.Corrections} corrections, {intake.Record.Taken} taken{Refusals(intake.Record)}; later rows {(laterRows ? current.LaterRows ? "joined before" : "join now" : "none")}");
        if (intake.Record.Taken == 0 && (!laterRows || current.LaterRows))
        {
            return null;
        }

        List<string> files = [.. current.CorrectionFiles];
        var directory = workspace.StatePath("iterations", $"{number:0000}");
        Directory.CreateDirectory(directory);
        AtomicFile.WriteAllBytes(Path.Combine(directory, "record.json"), intake.Record.ToBytes());
        if (intake.Record.Taken > 0)
        {
            var path = Path.Combine(directory, dataset.Name + ".jsonl");
            AtomicFile.WriteAllBytes(path, intake.Rows);
            files.Add(Path.GetRelativePath(workspace.Project.Directory, path).Replace('\\', '/'));
        }

        return new Iteration(number, time.GetUtcNow(), laterRows, new Dictionary<string, string> { [dataset.Name] = earlier }, files, null, null);
    }

    private static IntakeResult TakeCorrections(Workspace workspace, ApplicationDefinition application, DatasetDefinition dataset, string datasetManifest)
    {
        using var traces = new TraceStore(workspace.StatePath("traces.db"));
        using var ledger = new LedgerStore(workspace.StatePath("ledger.db"));
        GatewayState.CatchUp(workspace.State, ledger, traces);
        var candidates = traces.Corrections(application.Name).Select(LabelCandidate.Of).ToList();
        var rows = StoredFiles.Show(workspace.Objects, Manifest.Read(workspace.Objects, datasetManifest), workspace.StatePath("views", datasetManifest[..16]));
        var known = ParquetDataset.ReadExamples(rows).ToList();
        using var schema = application.Output is { } output ? JsonDocument.Parse(File.ReadAllText(Path.Combine(workspace.Project.Directory, output))) : null;
        return IterationIntake.Take(application.Name, candidates, [], new IntakeOptions
        {
            InputFields = dataset.InputFields,
            OutputFields = dataset.OutputFields,
            AllowedValues = schema is null ? new Dictionary<string, IReadOnlySet<string>>() : IterationIntake.AllowedValuesOf(schema.RootElement),
            KnownIds = known.Select(r => r.Id).ToHashSet(StringComparer.Ordinal),
            KnownRows = known.Select(r => (JsonNode.Parse(r.Input)!.AsObject(), JsonNode.Parse(r.Output)!.AsObject())),
        });
    }

    private static string Refusals(IterationRecord record) => record.RefusedByReason.Count == 0
        ? ""
        : Markup.Escape($" ({string.Join(", ", record.RefusedByReason.Select(r => $"{r.Value} {r.Key.Replace('_', ' ')}"))})");
}
