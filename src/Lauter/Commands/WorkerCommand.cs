using System.CommandLine;
using Lauter.Inference.Engine;
using Lauter.Training.Jobs;

namespace Lauter.Commands;

/// <summary><c>lauter worker</c>: the child processes of this program. Not for people.</summary>
internal static class WorkerCommand
{
    public static Command Create()
    {
        var job = new Argument<string>("job");
        var train = new Command("train", "Run a training job.") { job };
        train.SetAction((result, _) => TrainingWorker.RunAsChildAsync(result.GetValue(job)!));
        var engine = new Command("engine", "Serve one model on a Unix socket.");
        engine.SetAction((_, cancellationToken) => EngineServer.RunChildAsync(cancellationToken));
        var steps = new Argument<int>("steps");
        var measure = new Command("measure", "Time steps of a training job and print figures as JSON.") { job, steps };
        measure.SetAction(result => Arguments.WriteJson(TrainingSpeed.Measure(result.GetValue(job)!, result.GetValue(steps))));
        return new Command("worker", "Child processes of this program.") { Subcommands = { train, engine, measure }, Hidden = true };
    }
}
