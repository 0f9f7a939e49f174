using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Training.Examples;
using Lauter.Training.Jobs;
using Lauter.Training.Loop;

namespace Lauter.Training.Remote;

/// <summary>Where and what to train, by OpenAI's fine-tuning protocol. Lauter speaks it on both sides.</summary>
public sealed record RemoteOptions
{
    /// <summary>Address in front of <c>/files</c> and <c>/fine_tuning/jobs</c>, for example <c>https://api.openai.com/v1</c>.</summary>
    public required Uri Address { get; init; }

    /// <summary>The model over there.</summary>
    public required string Model { get; init; }

    /// <summary>Part of the new model's name, or null.</summary>
    public string? Suffix { get; init; }

    /// <summary>Passes over the rows; null = they choose. So are the other hyperparameters.</summary>
    public int? Epochs { get; init; }

    /// <summary>Rows a step.</summary>
    public int? BatchSize { get; init; }

    /// <summary>Times their own learning rate.</summary>
    public double? LearningRateMultiplier { get; init; }

    /// <summary>Pull away from the reference (dpo).</summary>
    public double? Beta { get; init; }

    /// <summary>Time between two looks at the job.</summary>
    public TimeSpan Poll { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>What a remote training came to.</summary>
/// <param name="JobId">Its id over there.</param>
/// <param name="Model">The name of the new model over there.</param>
/// <param name="TrainedTokens">What is billed, by their count; null = not told.</param>
/// <param name="Files">Result files that were fetched.</param>
public sealed record RemoteResult(string JobId, string Model, long? TrainedTokens, IReadOnlyList<string> Files);

/// <summary>
/// Trains elsewhere: uploads the rows, starts a job, follows it, fetches its results into <c>remote/</c>. The job's id is on disk before the first look, so a second
/// run of the same rows and settings follows the same job and pays nothing twice; stopping this process does not stop the job.
/// </summary>
public sealed class RemoteTraining(HttpClient client, RemoteOptions options, TimeProvider time)
{
    private const string StateFile = "remote.json";
    private const int Attempts = 6;
    private const long MostResultBytes = 8L << 30;

    /// <summary>Runs or follows the job.</summary>
    /// <param name="job">Rows, method, seed and output directory are used.</param>
    /// <param name="progress">Receives what the job tells.</param>
    /// <param name="cancellationToken">Stops following; the job goes on.</param>
    /// <exception cref="TrainingFailedException">The endpoint refuses, or the job ends without a model.</exception>
    public async Task<RemoteResult> RunAsync(TrainingJob job, IProgress<TrainingEvent>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(job);
        if (job.Method is not (TrainingJob.Sft or "dpo"))
        {
            throw new TrainingFailedException($"A remote training knows sft and dpo, not {job.Method}.");
        }

        var rows = ExampleFile.Read(job.ExamplesPath);
        var training = OpenAiRows.Of(rows, ExampleFile.Train) ?? throw new TrainingFailedException($"{job.ExamplesPath} has no row to train on.");
        var validation = OpenAiRows.Of(rows, ExampleFile.Validation);
        var body = Body(job);
        var digest = Convert.ToHexStringLower(SHA256.HashData([.. training, .. validation ?? [], .. JsonSerializer.SerializeToUtf8Bytes(body)]));
        var statePath = Path.Combine(Directory.CreateDirectory(job.OutputDirectory).FullName, StateFile);
        if (Known(statePath, digest) is not { } id)
        {
            body["training_file"] = await UploadAsync("train.jsonl", training, cancellationToken);
            if (validation is not null)
            {
                body["validation_file"] = await UploadAsync("validation.jsonl", validation, cancellationToken);
            }

            var created = await SendAsync(() => new HttpRequestMessage(HttpMethod.Post, At("fine_tuning/jobs")) { Content = JsonContent.Create(body) }, retry: false, cancellationToken);
            id = created["id"]!.GetValue<string>();
            AtomicFile.WriteAllBytes(statePath, JsonSerializer.SerializeToUtf8Bytes(new JsonObject { ["digest"] = digest, ["address"] = options.Address.ToString(), ["job"] = id }));
        }

        progress?.Report(new TrainingEvent { Kind = TrainingEventKinds.Started, Message = $"{options.Address}: job {id}" });
        return await FollowAsync(id, job.OutputDirectory, progress, cancellationToken);
    }

    private static string? Known(string path, string digest)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            var state = JsonNode.Parse(File.ReadAllBytes(path));
            return state?["digest"]?.GetValue<string>() == digest ? state["job"]!.GetValue<string>() : null;
        }
        catch (JsonException)
        {
            // No state of ours: a new job is started and replaces it.
            return null;
        }
    }

    private JsonObject Body(TrainingJob job)
    {
        JsonObject hyperparameters = [];
        Add("n_epochs", options.Epochs);
        Add("batch_size", options.BatchSize);
        Add("learning_rate_multiplier", options.LearningRateMultiplier);
        var type = job.Method == TrainingJob.Sft ? "supervised" : "dpo";
        if (type == "dpo")
        {
            Add("beta", options.Beta);
        }

        JsonObject body = new()
        {
            ["model"] = options.Model, ["seed"] = (long)(job.Options.Seed % int.MaxValue), ["method"] = new JsonObject { ["type"] = type, [type] = new JsonObject { ["hyperparameters"] = hyperparameters } },
        };
        if (options.Suffix is not null)
        {
            body["suffix"] = options.Suffix;
        }

        return body;

        void Add(string name, double? value) => hyperparameters[name] = value is { } number ? number : "auto";
    }

    private async Task<RemoteResult> FollowAsync(string id, string directory, IProgress<TrainingEvent>? progress, CancellationToken cancellationToken)
    {
        var told = new HashSet<string>(StringComparer.Ordinal);
        while (true)
        {
            var job = await SendAsync(() => new HttpRequestMessage(HttpMethod.Get, At($"fine_tuning/jobs/{id}")), retry: true, cancellationToken);
            await TellAsync(id, told, progress, cancellationToken);
            switch (job["status"]?.GetValue<string>())
            {
                case "succeeded":
                    var files = new List<string>();
                    foreach (var file in job["result_files"]?.AsArray() ?? [])
                    {
                        files.Add(await FetchAsync(file!.GetValue<string>(), Path.Combine(directory, "remote"), cancellationToken));
                    }

                    return new RemoteResult(id, job["fine_tuned_model"]?.GetValue<string>() ?? "", job["trained_tokens"]?.GetValue<long>(), files);
                case "failed":
                    throw new TrainingFailedException($"The job {id} at {options.Address} failed: {job["error"]?["message"]?.ToString() ?? "no reason given"}");
                case "cancelled":
                    throw new TrainingFailedException($"The job {id} at {options.Address} was cancelled. Delete {Path.Combine(directory, StateFile)} to start another.");
            }

            await Task.Delay(options.Poll, time, cancellationToken);
        }
    }

    private async Task TellAsync(string id, HashSet<string> told, IProgress<TrainingEvent>? progress, CancellationToken cancellationToken)
    {
        var events = await SendAsync(() => new HttpRequestMessage(HttpMethod.Get, At($"fine_tuning/jobs/{id}/events?limit=100")), retry: true, cancellationToken);
        foreach (var e in (events["data"]?.AsArray() ?? []).Reverse())
        {
            if (e?["id"]?.GetValue<string>() is { } name && told.Add(name))
            {
                var data = e["data"] as JsonObject;
                var (loss, measured) = (Number(data?["train_loss"]), Number(data?["valid_loss"]));
                progress?.Report(new TrainingEvent
                {
                    Kind = measured is not null ? TrainingEventKinds.Validation : loss is not null ? TrainingEventKinds.Progress : TrainingEventKinds.Started,
                    Step = (int?)Number(data?["step"]), Steps = (int?)Number(data?["total_steps"]), Loss = loss, ValidationLoss = measured,
                    ValidationTokenAccuracy = Number(data?["valid_mean_token_accuracy"]), Message = e["message"]?.ToString(),
                });
            }
        }
    }

    private static double? Number(JsonNode? node) => node is JsonValue value && value.TryGetValue<double>(out var number) ? number : null;

    private async Task<string> UploadAsync(string name, byte[] bytes, CancellationToken cancellationToken)
    {
        var file = await SendAsync(
            () =>
            {
                // The purpose first: some servers read the parts in order.
                var form = new MultipartFormDataContent { { new StringContent("fine-tune"), "purpose" } };
                var part = new ByteArrayContent(bytes);
                part.Headers.ContentType = new MediaTypeHeaderValue("application/jsonl");
                form.Add(part, "file", name);
                return new HttpRequestMessage(HttpMethod.Post, At("files")) { Content = form };
            },
            retry: true, cancellationToken);
        return file["id"]!.GetValue<string>();
    }

    private async Task<string> FetchAsync(string id, string directory, CancellationToken cancellationToken)
    {
        var described = await SendAsync(() => new HttpRequestMessage(HttpMethod.Get, At($"files/{id}")), retry: true, cancellationToken);

        // Their name is a description; a path in it would lead out of the folder.
        var name = Path.GetFileName(described["filename"]?.GetValue<string>() ?? id);
        var path = Path.Combine(Directory.CreateDirectory(directory).FullName, name is "" or "." or ".." ? id : name);
        using var response = await client.GetAsync(At($"files/{id}/content"), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        response.EnsureSuccessStatusCode();
        if (response.Content.Headers.ContentLength > MostResultBytes)
        {
            throw new TrainingFailedException($"The result file {name} has {response.Content.Headers.ContentLength} bytes; at most {MostResultBytes} are fetched.");
        }

        await using (var target = new FileStream(path + ".new", FileMode.Create))
        {
            await response.Content.CopyToAsync(target, cancellationToken);
        }

        File.Move(path + ".new", path, overwrite: true);
        return path;
    }

    private Uri At(string path) => new(options.Address.AbsoluteUri.TrimEnd('/') + "/" + path);

    /// <summary>Sends, again after 429, 5xx and broken connections where repeating does no harm.</summary>
    private async Task<JsonObject> SendAsync(Func<HttpRequestMessage> request, bool retry, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var message = request();
                using var response = await client.SendAsync(message, cancellationToken);
                var text = await response.Content.ReadAsStringAsync(cancellationToken);
                if (response.IsSuccessStatusCode)
                {
                    return JsonNode.Parse(text) as JsonObject ?? throw new TrainingFailedException($"{message.RequestUri} did not answer with a JSON object.");
                }

                if (!retry || attempt >= Attempts || !(response.StatusCode is HttpStatusCode.TooManyRequests || (int)response.StatusCode >= 500))
                {
                    throw new TrainingFailedException(string.Create(CultureInfo.InvariantCulture, $"{message.Method} {message.RequestUri} was answered with {(int)response.StatusCode}: {Reason(text)}"));
                }
            }
            catch (HttpRequestException e)
            {
                if (!retry || attempt >= Attempts)
                {
                    throw new TrainingFailedException($"{options.Address} cannot be reached: {e.Message}", e);
                }
            }
            catch (JsonException e)
            {
                throw new TrainingFailedException($"{options.Address} did not answer with JSON: {e.Message}", e);
            }

            await Task.Delay(TimeSpan.FromSeconds(Math.Pow(2, attempt - 2)), time, cancellationToken);
        }
    }

    private static string Reason(string text)
    {
        const int Most = 300;
        try
        {
            return JsonNode.Parse(text)?["error"]?["message"]?.ToString() ?? text;
        }
        catch (JsonException)
        {
            return text.Length > Most ? text[..Most] : text;
        }
    }
}
