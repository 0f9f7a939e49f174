using System.CommandLine;
using System.Text.Json.Nodes;
using Lauter.Hosting;
using Lauter.Training.Jobs;

namespace Lauter.Commands;

/// <summary><c>lauter train</c>: the training room alone, on plain files.</summary>
internal static class TrainCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "A training file: base, data and how to train. 'lauter train --example' prints one." , Arity = ArgumentArity.ZeroOrOne };
        var example = new Option<bool>("--example") { Description = "Print a training file with every key explained." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Read the rows, print what the run would do, cost and need, and stop." };
        var sweep = new Option<bool>("--sweep") { Description = "Try the combinations under 'sweep' by successive halving and keep the best." };
        var bundle = new Option<string>("--bundle") { Description = "Do not train: write a folder with rows, configurations and job files for a GPU cluster." };
        var import = new Option<string>("--import") { Description = "Do not train: take in the PEFT folder that a cluster gave back, through the parity gate." };
        var format = Arguments.Format();
        var quiet = Arguments.Quiet();
        var command = new Command("train", "Train a model or an adapter from a file of rows, here, at a remote endpoint or on a cluster; without a project.") { file, example, dryRun, sweep, bundle, import, format, quiet };
        command.SetAction(async (result, cancellationToken) =>
        {
            if (result.GetValue(example))
            {
                System.Console.Out.Write(TrainFile.Example);
                return ExitCodes.Success;
            }

            var path = result.GetValue(file) ?? throw new CommandException(ExitCodes.Usage, "name a training file, or print one with 'lauter train --example'.");
            var plan = TrainFile.Read(Path.GetFullPath(path));
            var job = plan.Job with { ReportOnly = result.GetValue(dryRun) };
            var json = result.GetValue(format) == "json";
            var screen = new TrainScreen(json, result.GetValue(quiet));
            try
            {
                if (result.GetValue(bundle) is { } folder)
                {
                    return TrainElsewhere.Bundle(plan, folder, json);
                }

                if (result.GetValue(import) is { } adapter)
                {
                    return TrainElsewhere.Import(job, ModelCommand.Existing(adapter), json, cancellationToken);
                }

                if (plan.Remote is { } remote)
                {
                    return await TrainElsewhere.RemoteAsync(job, remote, screen, json, cancellationToken);
                }

                if (result.GetValue(sweep))
                {
                    return await TrainElsewhere.SweepAsync(plan, screen, json, cancellationToken);
                }

                var trained = await TrainingProcess.RunAsync(Children.Training, job, screen, cancellationToken);
                screen.Finish(job, trained);
                return ExitCodes.Success;
            }
            catch (Training.Loop.TrainingFailedException e)
            {
                throw new CommandException(e.Message.Contains("No space left", StringComparison.Ordinal) ? ExitCodes.DiskFull : ExitCodes.StepFailed, e.Message);
            }
        });
        return command;
    }
}

/// <summary>Shows the events of a run: one line that is written over for people, JSON lines for programs.</summary>
internal sealed class TrainScreen(bool json, bool quiet) : IProgress<TrainingEvent>
{
    private readonly bool _rewrites = !System.Console.IsErrorRedirected;
    private bool _open;

    public void Report(TrainingEvent value)
    {
        if (json)
        {
            System.Console.Out.WriteLine(value.ToJson());
            return;
        }

        if (quiet)
        {
            return;
        }

        switch (value)
        {
            case { Report: { } r }:
                Line($"rows {r.Rows:#,0} + {r.ValidationRows:#,0} to measure on · tokens {r.Tokens:#,0} an epoch, {r.TrainedTokens:#,0} trained · longest {r.Longest:#,0} · all begin with the same {r.SharedPrefix}");
                Line($"cut {r.Cut:#,0} · too long {r.Dropped:#,0} · nothing to train {r.WithoutTarget:#,0} · steps {r.Steps:#,0} · trained values {r.TrainableValues:#,0}");
                Line($"expected: {(r.Seconds is { } s ? Duration(s) : "time unknown")} · {(r.MemoryBytes is { } m ? $"{m / (double)(1 << 30):0.0} GiB" : "memory unknown")} · {(r.Price is { } p ? $"{p:0.00} {r.Currency}" : "price unknown (set limits.hour_price)")}");
                break;
            case { Kind: TrainingEventKinds.Progress }:
                Over($"step {value.Step}/{value.Steps} · loss {value.Loss:0.0000} · {value.TokensPerSecond:#,0} tokens/s · {(value.PeakMemoryBytes ?? 0) >> 20:#,0} MiB · {Duration(value.SecondsLeft ?? 0)} left");
                break;
            case { Kind: TrainingEventKinds.Validation }:
                Line($"step {value.Step}: measured loss {value.ValidationLoss:0.0000}{(value.ValidationExactMatch is { } exact ? $", exact {exact:0.0000}{(value.Message is { } note ? $" ({note})" : "")}" : "")}");
                break;
            case { Kind: TrainingEventKinds.Started or TrainingEventKinds.RolledBack, Message: { } message }:
                Line(message);
                break;
        }
    }

    public void Finish(TrainingJob job, TrainingResult result)
    {
        if (json || quiet || job.ReportOnly)
        {
            return;
        }

        Line($"{Path.Combine(job.OutputDirectory, result.Model)}{(result.Adapter is { } adapter ? $" (merged) and {Path.Combine(job.OutputDirectory, adapter)} (PEFT){(job.Lora!.WeightDecomposed ? "; served merged only" : $", {TrainingWorker.AdapterFile} (llama.cpp)")}" : "")}");
        Line($"{result.Steps} steps, {result.TrainedTokens:#,0} trained tokens, {Duration(result.Seconds)}, {result.CpuSeconds:0} CPU seconds, at most {result.PeakMemoryBytes >> 20:#,0} MiB"
            + (result.Validation is { } v ? $"; best step {result.BestStep}: loss {v.Loss:0.0000}, exact {v.ExactMatch:0.0000} of {v.Examples}" : ""));
    }

    private static string Duration(double seconds) => seconds < 90 ? $"{seconds:0} s" : seconds < 5400 ? $"{seconds / 60:0} min" : $"{seconds / 3600:0.0} h";

    private void Over(string text)
    {
        if (_rewrites)
        {
            System.Console.Error.Write("\r\u001b[K" + text);
            _open = true;
        }
    }

    /// <summary>A line for people; nothing for programs.</summary>
    public void Tell(string text)
    {
        if (!json && !quiet)
        {
            Line(text);
        }
    }

    private void Line(string text)
    {
        System.Console.Error.WriteLine((_open ? "\r\u001b[K" : "") + text);
        _open = false;
    }
}
