using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lauter.Gateway.FineTuning;

/// <summary>Jobs, events and checkpoints in OpenAI's shapes.</summary>
internal static class FineTuningShapes
{
    public static JsonObject Job(FineTuningJob job) => new()
    {
        ["id"] = job.Id, ["object"] = "fine_tuning.job", ["created_at"] = job.Created.ToUnixTimeSeconds(), ["finished_at"] = job.Finished?.ToUnixTimeSeconds(),
        ["model"] = job.Model, ["fine_tuned_model"] = job.FineTunedModel, ["organization_id"] = job.Tenant, ["status"] = job.Status, ["seed"] = job.Seed,
        ["training_file"] = job.TrainingFile, ["validation_file"] = job.ValidationFile, ["result_files"] = new JsonArray([.. job.ResultFiles.Select(f => (JsonNode)f)]),
        ["trained_tokens"] = job.TrainedTokens, ["estimated_finish"] = job.EstimatedFinish?.ToUnixTimeSeconds(), ["integrations"] = new JsonArray(),
        ["hyperparameters"] = Hyperparameters(job),
        ["method"] = new JsonObject { ["type"] = job.Method, [job.Method] = new JsonObject { ["hyperparameters"] = Hyperparameters(job) } },
        ["user_provided_suffix"] = job.Suffix,
        ["metadata"] = job.Metadata is null ? null : JsonSerializer.SerializeToNode(job.Metadata),
        ["error"] = job.Error is null ? null : new JsonObject { ["code"] = job.ErrorCode, ["message"] = job.Error, ["param"] = job.ErrorParam },
    };

    public static JsonObject Event(FineTuningEvent e) => new()
    {
        ["object"] = "fine_tuning.job.event", ["id"] = e.Id, ["created_at"] = e.Created.ToUnixTimeSeconds(), ["level"] = e.Level, ["message"] = e.Message,
        ["type"] = e.Data is null ? "message" : "metrics",
        ["data"] = e.Data is not { } data ? null : new JsonObject
        {
            ["step"] = data.Step, ["total_steps"] = data.TotalSteps, ["train_loss"] = data.TrainLoss, ["valid_loss"] = data.ValidLoss, ["valid_mean_token_accuracy"] = data.ValidMeanTokenAccuracy,
        },
    };

    public static JsonObject Checkpoint(FineTuningJob job, FineTuningCheckpoint c) => new()
    {
        ["object"] = "fine_tuning.job.checkpoint", ["id"] = c.Id, ["created_at"] = c.Created.ToUnixTimeSeconds(), ["fine_tuning_job_id"] = job.Id, ["step_number"] = c.Step,
        ["fine_tuned_model_checkpoint"] = $"{NameOf(job)}:ckpt-step-{c.Step}",
        ["metrics"] = new JsonObject
        {
            ["step"] = c.Step, ["train_loss"] = c.Loss, ["valid_loss"] = c.ValidationLoss, ["valid_mean_token_accuracy"] = c.ValidationAccuracy,
            ["full_valid_loss"] = c.ValidationLoss, ["full_valid_mean_token_accuracy"] = c.ValidationAccuracy,
        },
    };

    /// <summary>The name of what a job makes.</summary>
    public static string NameOf(FineTuningJob job) => $"ft:{job.Model}:{job.Suffix ?? "lauter"}:{job.Id[^8..]}";

    /// <summary>A page of a list: newest first, from behind <paramref name="after"/>.</summary>
    public static JsonObject Page<T>(IReadOnlyList<T> items, Func<T, string> id, Func<T, JsonObject> shape, string? after, int limit)
    {
        var from = after is null ? 0 : items.TakeWhile(i => id(i) != after).Count() + 1;
        T[] page = [.. items.Skip(from).Take(limit)];
        return new JsonObject
        {
            ["object"] = "list", ["data"] = new JsonArray([.. page.Select(shape)]), ["has_more"] = items.Count > from + page.Length,
            ["first_id"] = page.Length == 0 ? null : id(page[0]), ["last_id"] = page.Length == 0 ? null : id(page[^1]),
        };
    }

    private static JsonObject Hyperparameters(FineTuningJob job)
    {
        JsonObject values = new() { ["n_epochs"] = Or(job.Epochs), ["batch_size"] = Or(job.BatchSize), ["learning_rate_multiplier"] = Or(job.LearningRateMultiplier) };
        if (job.Method == "dpo")
        {
            values["beta"] = Or(job.Beta);
        }

        return values;

        static JsonNode Or(double? number) => number is { } value ? value : "auto";
    }
}
