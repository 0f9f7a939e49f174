using Lauter.Gateway.Api;
using Lauter.Gateway.Batches;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Lauter.Gateway.FineTuning;

/// <summary><c>/v1/fine_tuning/jobs</c>: trainings of a tenant, on files it uploaded. A tenant sees its own jobs only.</summary>
internal sealed class FineTuningEndpoint(
    GatewayOptions options, FineTuningTrainer trainer, RequestEdge edge, FileStore files, FineTuningStore jobs, FineTuningRunner runner)
{
    private const int MostJobs = 1_000;
    private const int MostPage = 100;

    public async Task<OpenAiError?> CreateAsync(EdgeRequest request)
    {
        var (body, bodyError) = await edge.ReadBodyAsync(request.Context);
        if (bodyError is not null)
        {
            return bodyError;
        }

        if (JsonMembers.Scan(body, options.MaximumDepth, out var fault) is not { } members)
        {
            return OpenAiError.BadRequest("invalid_json", fault!);
        }

        var (asked, error) = FineTuningRequest.Read(members, [.. trainer.Models.Where(request.Key.Allows)]);
        if (asked is null)
        {
            return error;
        }

        foreach (var (id, param) in new[] { (asked.TrainingFile, "training_file"), (asked.ValidationFile, "validation_file") })
        {
            if (id is not null && files.Find(request.Key.Tenant, id) is not { Purpose: "fine-tune" })
            {
                return new OpenAiError(404, "invalid_request_error", "file_not_found", $"There is no file '{(id.Length > 64 ? id[..64] : id)}' with the purpose fine-tune.", param);
            }
        }

        if (jobs.List(request.Key.Tenant).Count >= MostJobs)
        {
            return OpenAiError.BadRequest("too_many_jobs", $"There are {MostJobs} jobs already.");
        }

        var job = new FineTuningJob
        {
            Id = FineTuningStore.NewId(request.Id), Tenant = request.Key.Tenant, KeyId = request.Key.Id, Model = asked.Model, TrainingFile = asked.TrainingFile, ValidationFile = asked.ValidationFile,
            Method = asked.Method, Epochs = asked.Epochs, BatchSize = asked.BatchSize, LearningRateMultiplier = asked.LearningRateMultiplier, Beta = asked.Beta,
            Seed = asked.Seed ?? request.At.ToUnixTimeSeconds() % int.MaxValue, Suffix = asked.Suffix, Metadata = asked.Metadata, Status = JobStates.Validating, Created = request.At,
        };
        jobs.Add(job);
        runner.Wake();
        await InformationEndpoints.WriteAsync(request.Context, FineTuningShapes.Job(job));
        return null;
    }

    public async Task<OpenAiError?> ListAsync(EdgeRequest request)
    {
        await InformationEndpoints.WriteAsync(
            request.Context, FineTuningShapes.Page(jobs.List(request.Key.Tenant), j => j.Id, FineTuningShapes.Job, After(request), Limit(request)));
        return null;
    }

    public Task<OpenAiError?> GetAsync(EdgeRequest request) => WithAsync(request, job => FineTuningShapes.Job(job));

    public Task<OpenAiError?> EventsAsync(EdgeRequest request) =>
        WithAsync(request, job => FineTuningShapes.Page(jobs.Events(job), e => e.Id, FineTuningShapes.Event, After(request), Limit(request)));

    public Task<OpenAiError?> CheckpointsAsync(EdgeRequest request) => WithAsync(
        request, job => FineTuningShapes.Page([.. job.Checkpoints.Reverse()], c => c.Id, c => FineTuningShapes.Checkpoint(job, c), After(request), Limit(request)));

    public Task<OpenAiError?> CancelAsync(EdgeRequest request) =>
        SwitchAsync(request, j => j.IsOver ? null : JobStates.Cancelled, "The job was cancelled.", "is over already");

    public Task<OpenAiError?> PauseAsync(EdgeRequest request) =>
        SwitchAsync(request, j => j.Waits ? JobStates.Paused : null, "The job is paused; its checkpoint is kept.", "is neither waiting nor running");

    public Task<OpenAiError?> ResumeAsync(EdgeRequest request) =>
        SwitchAsync(request, j => j.Status == JobStates.Paused ? j.Rows > 0 ? JobStates.Queued : JobStates.Validating : null, "The job goes on.", "is not paused");

    private static OpenAiError NotFound { get; } = new(404, "invalid_request_error", "fine_tune_not_found", "There is no such fine-tuning job.", "fine_tuning_job_id");

    private static string? After(EdgeRequest request) => request.Context.Request.Query["after"] is [{ Length: > 0 } after] ? after : null;

    private static int Limit(EdgeRequest request) => int.TryParse(request.Context.Request.Query["limit"], out var limit) ? Math.Clamp(limit, 1, MostPage) : 20;

    private FineTuningJob? Find(EdgeRequest request) => jobs.Find(request.Key.Tenant, request.Context.Request.RouteValues["id"] as string);

    private async Task<OpenAiError?> WithAsync(EdgeRequest request, Func<FineTuningJob, System.Text.Json.Nodes.JsonObject> shape)
    {
        if (Find(request) is not { } job)
        {
            return NotFound;
        }

        await InformationEndpoints.WriteAsync(request.Context, shape(job));
        return null;
    }

    private async Task<OpenAiError?> SwitchAsync(EdgeRequest request, Func<FineTuningJob, string?> to, string message, string otherwise)
    {
        if (Find(request) is not { } job)
        {
            return NotFound;
        }

        var changed = jobs.Change(job, j => to(j) is { } status ? j with { Status = status, Finished = status == JobStates.Cancelled ? request.At : null, EstimatedFinish = null } : null);
        if (changed is null)
        {
            return OpenAiError.BadRequest("invalid_state", $"The job is {Find(request)?.Status}: it {otherwise}.");
        }

        jobs.Tell(changed, "info", message);
        runner.StatusChanged(changed);
        await InformationEndpoints.WriteAsync(request.Context, FineTuningShapes.Job(changed));
        return null;
    }
}

/// <summary>The place of fine-tuning in a host that has the gateway.</summary>
public static class FineTuningServices
{
    /// <summary>Registers the jobs and what runs them, one at a time. Call after <see cref="GatewayServices.AddGateway"/>.</summary>
    public static IServiceCollection AddFineTuning(this IServiceCollection services, FineTuningTrainer trainer)
    {
        services.AddSingleton(trainer);
        services.AddSingleton<FineTuningStore>();
        services.AddSingleton<FineTuningRunner>();
        services.AddSingleton<FineTuningEndpoint>();
        services.AddHostedService(p => p.GetRequiredService<FineTuningRunner>());
        return services;
    }

    /// <summary>Maps <c>/v1/fine_tuning/jobs</c> behind the gateway's edge.</summary>
    public static IEndpointRouteBuilder MapFineTuning(this IEndpointRouteBuilder endpoints)
    {
        const string Jobs = "/v1/fine_tuning/jobs";
        var edge = endpoints.ServiceProvider.GetRequiredService<RequestEdge>();
        var jobs = endpoints.ServiceProvider.GetRequiredService<FineTuningEndpoint>();
        endpoints.MapPost(Jobs, edge.Guard(jobs.CreateAsync));
        endpoints.MapGet(Jobs, edge.Guard(jobs.ListAsync));
        endpoints.MapGet(Jobs + "/{id}", edge.Guard(jobs.GetAsync));
        endpoints.MapGet(Jobs + "/{id}/events", edge.Guard(jobs.EventsAsync));
        endpoints.MapGet(Jobs + "/{id}/checkpoints", edge.Guard(jobs.CheckpointsAsync));
        endpoints.MapPost(Jobs + "/{id}/cancel", edge.Guard(jobs.CancelAsync));
        endpoints.MapPost(Jobs + "/{id}/pause", edge.Guard(jobs.PauseAsync));
        endpoints.MapPost(Jobs + "/{id}/resume", edge.Guard(jobs.ResumeAsync));
        return endpoints;
    }
}
