using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Gateway.Api;
using Lauter.Gateway.Keys;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Lauter.Gateway.Batches;

/// <summary>
/// Runs batches line by line, behind the callers that wait: while more than a few interactive requests run, a batch rests. Each line is
/// an ordinary request of the batch's key, with its budget, guards, routes and trace. A result is appended to the batch's results before the
/// next line begins there, so a restart goes on where it stopped; only lines that were on their way at the crash are sent again.
/// </summary>
internal sealed partial class BatchRunner(
    GatewayOptions options, BatchStore batches, FileStore files, ModelEndpoint models, ApiKeyStore keys, GatewayMetrics metrics, TimeProvider time, ILogger<BatchRunner> log)
    : BackgroundService
{
    private const int LinesAtOnce = 4;

    /// <summary>With more interactive requests than this, lines wait.</summary>
    private const int BusyRequests = 8;
    private readonly SemaphoreSlim _wake = new(0);

    /// <summary>A batch was added or cancelled.</summary>
    public void Wake() => _wake.Release();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                foreach (var batch in batches.Waiting())
                {
                    await RunSafelyAsync(batch, stoppingToken);
                }

                await _wake.WaitAsync(TimeSpan.FromSeconds(30), stoppingToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The end of the host; what is not finished goes on after the next start.
        }
    }

    private async Task RunSafelyAsync(StoredBatch batch, CancellationToken stoppingToken)
    {
        try
        {
            await RunAsync(batch, stoppingToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A full disk, most likely: the batch stays as it is and is tried again.
            Postponed(log, batch.Id, e.Message);
        }
    }

    private async Task RunAsync(StoredBatch batch, CancellationToken stoppingToken)
    {
        if (files.Find(batch.Tenant, batch.InputFileId) is not { } input)
        {
            batches.Change(batch, b => b with { Status = "failed", Error = "The input file was deleted.", Ended = time.GetUtcNow() });
            return;
        }

        var (total, fault) = Validate(files.PathOf(input), batch.Endpoint);
        if (fault is not null)
        {
            batches.Change(batch, b => b with { Status = "failed", Error = fault, Ended = time.GetUtcNow() });
            return;
        }

        if (batches.Change(batch, b => b with { Status = b.Status == "cancelling" ? b.Status : "in_progress", Started = b.Started ?? time.GetUtcNow(), Total = total }) is not { } running)
        {
            return;
        }

        var results = batches.ResultsOf(running);
        var done = Done(results);
        await using (var output = new FileStream(results, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read))
        {
            output.SetLength(done.Length);
            output.Position = done.Length;
            await LinesAsync(running, files.PathOf(input), done.Ids, output, stoppingToken);
            output.Flush(flushToDisk: true);
        }

        Finish(running, results);
    }

    private async Task LinesAsync(StoredBatch batch, string input, HashSet<string> done, FileStream output, CancellationToken stoppingToken)
    {
        using var places = new SemaphoreSlim(LinesAtOnce);
        using var gate = new SemaphoreSlim(1);
        List<Task> running = [];
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        foreach (var line in File.ReadLines(input).Where(l => l.Length > 0))
        {
            var id = JsonNode.Parse(line)!["custom_id"]!.GetValue<string>();
            if (done.Contains(id))
            {
                continue;
            }

            await places.WaitAsync(stoppingToken);
            while (metrics.InFlight > BusyRequests)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), time, stoppingToken);
            }

            var now = batches.Find(batch.Tenant, batch.Id);
            if (now is not { Status: "in_progress" } || time.GetUtcNow() >= batch.Expires || keys.Keys.FirstOrDefault(k => k.Id == batch.KeyId) is not { } key || key.Expires <= time.GetUtcNow())
            {
                break;
            }

            running.RemoveAll(t => t.IsCompletedSuccessfully);
            running.Add(Task.Run(
                async () =>
                {
                    try
                    {
                        var bytes = await LineAsync(batch, key, line, id, cancel.Token);
                        await gate.WaitAsync(CancellationToken.None);
                        await output.WriteAsync(bytes, CancellationToken.None);
                        await output.FlushAsync(CancellationToken.None);
                        gate.Release();
                    }
                    finally
                    {
                        places.Release();
                    }
                },
                cancel.Token));
        }

        await Task.WhenAll(running);
    }

    private async Task<byte[]> LineAsync(StoredBatch batch, ApiKey key, string line, string id, CancellationToken cancellationToken)
    {
        var at = time.GetUtcNow();
        var request = new EdgeRequest(new DefaultHttpContext { RequestAborted = cancellationToken }, Guid.CreateVersion7(at), "", at, time.GetTimestamp(), key);
        request = request with { Name = request.Id.ToString("N") };
        using var body = new MemoryStream();
        request.Context.Response.Body = body;
        var surface = batch.Endpoint switch { "/v1/embeddings" => Surface.Embeddings, "/v1/completions" => Surface.Completions, _ => Surface.Chat };
        var asked = JsonNode.Parse(line)!["body"]!.AsObject();
        asked.Remove("stream");
        asked.Remove("stream_options");
        var error = await models.ServeAsync(request, Encoding.UTF8.GetBytes(asked.ToJsonString(JsonText.Options)), surface);
        cancellationToken.ThrowIfCancellationRequested();
        await request.Context.Response.CompleteAsync();
        var result = new JsonObject
        {
            ["id"] = $"batch_req_{request.Name}", ["custom_id"] = id,
            ["response"] = new JsonObject
            {
                ["status_code"] = error?.Status ?? 200, ["request_id"] = request.Name, ["body"] = error?.ToJson() ?? JsonNode.Parse(body.GetBuffer().AsSpan(0, (int)body.Length)),
            },
            ["error"] = null,
        };
        return Encoding.UTF8.GetBytes(result.ToJsonString(JsonText.Options) + "\n");
    }

    private void Finish(StoredBatch batch, string results)
    {
        var (ids, _, failed) = Done(results);
        var now = batches.Find(batch.Tenant, batch.Id);
        if (now is null)
        {
            return;
        }

        var keyGone = keys.Keys.FirstOrDefault(k => k.Id == batch.KeyId) is not { } key || key.Expires <= time.GetUtcNow();
        var status = now.Status == "cancelling" ? "cancelled" : ids.Count >= now.Total ? "completed" : time.GetUtcNow() >= batch.Expires ? "expired" : keyGone ? "failed" : null;
        if (status is null)
        {
            return; // stopped with the host
        }

        StoredFile? output = null, errors = null;
        if (ids.Count - failed > 0)
        {
            output = Split(batch, results, "output", wanted: 200);
        }

        if (failed > 0)
        {
            errors = Split(batch, results, "errors", wanted: null);
        }

        batches.Change(now, b => b with
        {
            Status = status, Ended = time.GetUtcNow(), Completed = ids.Count - failed, Failed = failed, OutputFileId = output?.Id, ErrorFileId = errors?.Id,
            Error = status == "failed" ? "The batch's key was revoked or has expired." : null,
        });
        File.Delete(results);
    }

    private StoredFile Split(StoredBatch batch, string results, string what, int? wanted)
    {
        var path = $"{results}.{what}";
        File.WriteAllLines(path, File.ReadLines(results).Where(l => (StatusOf(l) == 200) == (wanted == 200)));
        return files.Take(batch.Tenant, $"{batch.Id}_{what}.jsonl", "batch_output", path);
    }

    private static int StatusOf(string line) => JsonNode.Parse(line)?["response"]?["status_code"]?.GetValue<int>() ?? 0;

    /// <summary>What is done, how many bytes of whole lines there are, and how many of them failed. A torn last line is not done.</summary>
    private static (HashSet<string> Ids, long Length, int Failed) Done(string results)
    {
        HashSet<string> ids = new(StringComparer.Ordinal);
        if (!File.Exists(results))
        {
            return (ids, 0, 0);
        }

        var (length, failed) = (0L, 0);
        using var reader = new StreamReader(results, Encoding.UTF8);
        while (reader.ReadLine() is { } line)
        {
            var bytes = Encoding.UTF8.GetByteCount(line) + 1;
            try
            {
                var id = JsonNode.Parse(line)?["custom_id"]?.GetValue<string>();
                if (id is null || length + bytes > new FileInfo(results).Length)
                {
                    break;
                }

                ids.Add(id);
                failed += StatusOf(line) == 200 ? 0 : 1;
                length += bytes;
            }
            catch (JsonException)
            {
                break;
            }
        }

        return (ids, length, failed);
    }

    /// <summary>Counts the lines, or says which one is wrong.</summary>
    private (int Total, string? Fault) Validate(string path, string endpoint)
    {
        HashSet<string> ids = new(StringComparer.Ordinal);
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (line.Length == 0)
            {
                continue;
            }

            if (ids.Count >= BatchesEndpoint.MaximumLines)
            {
                return (0, $"The file has more than {BatchesEndpoint.MaximumLines} lines.");
            }

            try
            {
                var item = line.Length > options.MaximumBodyBytes + 1_024 ? null : JsonNode.Parse(line, documentOptions: new JsonDocumentOptions { MaxDepth = options.MaximumDepth + 1 }) as JsonObject;
                if (item?["custom_id"] is not JsonValue id || id.GetValueKind() != JsonValueKind.String || item["body"] is not JsonObject
                    || item["method"]?.ToString() is not (null or "POST") || (item["url"] is { } url && url.ToString() != endpoint))
                {
                    return (0, $"Line {number} must be an object with custom_id, method POST, url {endpoint} and body, of at most {options.MaximumBodyBytes} bytes.");
                }

                if (!ids.Add(id.GetValue<string>()))
                {
                    return (0, $"Line {number} repeats the custom_id of an earlier line.");
                }
            }
            catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
            {
                return (0, $"Line {number} is not valid JSON.");
            }
        }

        return ids.Count == 0 ? (0, "The file has no lines.") : (ids.Count, null);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Batch {Batch} waits: {Reason}")]
    private static partial void Postponed(ILogger log, string batch, string reason);
}
