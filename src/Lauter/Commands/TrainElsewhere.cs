using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Hosting;
using Lauter.Training.Handover;
using Lauter.Training.Jobs;
using Lauter.Training.Remote;
using Lauter.Training.Sweeps;

namespace Lauter.Commands;

/// <summary>The ways of <c>lauter train</c> that are more than one training on this machine.</summary>
internal static class TrainElsewhere
{
    public static int Bundle(TrainPlan plan, string folder, bool json)
    {
        var cluster = plan.Cluster ?? throw new CommandException(ExitCodes.Usage, "a bundle needs the section 'cluster' in the training file: at least { base: ORG/MODEL }, the original weights on the cluster.");
        var path = Directory.CreateDirectory(folder).FullName;
        var (training, validation) = ClusterBundle.Write(plan.Job, cluster, path);
        if (json)
        {
            Arguments.WriteJson(new JsonObject { ["path"] = path, ["training_rows"] = training, ["validation_rows"] = validation });
        }
        else
        {
            System.Console.WriteLine($"{path}: {training:#,0} rows to train on, {validation:#,0} to measure on; README.md says how to run it and how to bring the adapter back");
        }

        return ExitCodes.Success;
    }

    public static int Import(TrainingJob job, string adapter, bool json, CancellationToken cancellationToken)
    {
        var report = AdapterImport.Run(job, adapter, cancellationToken);
        var a = report.Agreement;
        if (json)
        {
            Arguments.WriteJson(new JsonObject
            {
                ["passed"] = report.Broken.Count == 0, ["broken"] = new JsonArray([.. report.Broken.Select(b => (JsonNode)b)]), ["rows"] = report.Rows, ["split"] = report.Split, ["tokens"] = a.Tokens,
                ["mean_divergence"] = a.MeanDivergence, ["maximum_difference"] = a.MaximumDifference, ["top_agreement"] = a.TopAgreement, ["base_loss"] = report.BaseLoss, ["loss"] = report.Loss,
                ["model"] = report.Broken.Count == 0 ? Path.Combine(job.OutputDirectory, TrainingWorker.ModelFile) : null,
            });
        }
        else
        {
            System.Console.WriteLine($"{report.Rows} {report.Split} rows, {a.Tokens:#,0} tokens: served against merged differs by at most {a.MaximumDifference:0.0000} nats, divergence {a.MeanDivergence:0.000000}, most probable token agrees {a.TopAgreement:0.0000}");
            System.Console.WriteLine($"loss of the answers: {report.BaseLoss:0.0000} by the base, {report.Loss:0.0000} with the adapter");
            System.Console.WriteLine(report.Broken.Count == 0 ? $"pass: {Path.Combine(job.OutputDirectory, TrainingWorker.ModelFile)}" : $"FAIL: {string.Join("; ", report.Broken)}");
        }

        return report.Broken.Count == 0 ? ExitCodes.Success : ExitCodes.GateFailed;
    }

    public static async Task<int> RemoteAsync(TrainingJob job, (RemoteOptions Options, string KeyVariable) remote, TrainScreen screen, bool json, CancellationToken cancellationToken)
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromMinutes(10) };
        if (Environment.GetEnvironmentVariable(remote.KeyVariable) is { Length: > 0 } key)
        {
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key.Trim());
        }
        else
        {
            throw new CommandException(ExitCodes.Usage, $"the environment variable {remote.KeyVariable} is not set; it holds the key for {remote.Options.Address}. Another one is named under remote: {{ key: NAME }}.");
        }

        var done = await new RemoteTraining(client, remote.Options, TimeProvider.System).RunAsync(job, screen, cancellationToken);
        if (json)
        {
            System.Console.Out.WriteLine(new JsonObject
            {
                ["kind"] = "remote", ["job"] = done.JobId, ["model"] = done.Model, ["trainedTokens"] = done.TrainedTokens, ["files"] = new JsonArray([.. done.Files.Select(f => (JsonNode)f)]),
            }.ToJsonString());
        }
        else
        {
            screen.Tell($"{done.Model}: {done.TrainedTokens?.ToString("#,0") ?? "unknown"} trained tokens; fetched {(done.Files.Count == 0 ? "nothing" : string.Join(", ", done.Files))}");
        }

        var folder = Path.Combine(job.OutputDirectory, "remote");
        return job.BasePath is not null && File.Exists(Path.Combine(folder, "adapter_model.safetensors")) ? Import(job, folder, json, cancellationToken) : ExitCodes.Success;
    }

    public static async Task<int> SweepAsync(TrainPlan plan, TrainScreen screen, bool json, CancellationToken cancellationToken)
    {
        if (plan.Sweep.Count == 0)
        {
            throw new CommandException(ExitCodes.Usage, "a sweep needs the section 'sweep' in the training file, for example { learning_rate: [0.0005, 0.001] }.");
        }

        var report = await TrainingSweep.RunAsync(
            plan.Sweep,
            (job, token) =>
            {
                Directory.CreateDirectory(job.OutputDirectory);
                return TrainingProcess.RunAsync(Children.Training, job, null, token);
            },
            screen.Tell, cancellationToken);
        AtomicFile.WriteJson(Path.Combine(plan.Job.OutputDirectory, "sweep.json"), report, SweepJson.Default.SweepReport);
        if (json)
        {
            Arguments.WriteJson(System.Text.Json.JsonSerializer.SerializeToNode(report, SweepJson.Default.SweepReport)!);
        }
        else
        {
            screen.Tell($"best: {report.Best}, in {report.Directory}; {report.Trials.Count} combinations, {report.CpuSeconds:0} CPU seconds; all losses in sweep.json");
        }

        return ExitCodes.Success;
    }
}
