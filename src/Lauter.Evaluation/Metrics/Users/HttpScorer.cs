using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lauter.Evaluation.Metrics.Users;

/// <summary>
/// A metric of one's own as a web service: rows go out as <c>{"items":[{"id","prediction","references","language"}]}</c>, scores come back as
/// <c>{"scores":[{"id","score"}]}</c>, 0 to 1, null where the service cannot tell. A row without a valid score is unusable, with the worst score: never a pass.
/// </summary>
/// <param name="http">The client; its timeout holds for a batch.</param>
/// <param name="name">The metric's name.</param>
/// <param name="address">The service.</param>
/// <param name="version">What the service's owner calls its present behaviour; it stands in the signature, since nobody here can see it change.</param>
public sealed class HttpScorer(HttpClient http, string name, Uri address, string version)
{
    private const int Batch = 50;

    /// <summary>Address and version.</summary>
    public string Signature => $"http|url:{address.GetLeftPart(UriPartial.Path)}|version:{version}";

    /// <summary>Has all rows scored.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>A metric that knows these rows, and the first fault of the service in words, or null.</returns>
    public async Task<(IMetric Metric, string? Fault)> ScoreAsync(IReadOnlyList<MetricRow> rows, CancellationToken cancellationToken)
    {
        var scores = new Dictionary<string, double>(StringComparer.Ordinal);
        string? fault = null;
        foreach (var batch in rows.Where(r => r.Failure is null && r.Prediction is not null).Chunk(Batch))
        {
            try
            {
                var body = new JsonObject
                {
                    ["items"] = new JsonArray([.. batch.Select(r => (JsonNode)new JsonObject
                    {
                        ["id"] = r.Id, ["prediction"] = r.Prediction!.DeepClone(), ["references"] = new JsonArray([.. r.References.Select(a => a?.DeepClone())]), ["language"] = r.Language,
                    })]),
                };
                using var response = await http.PostAsJsonAsync(address, body, cancellationToken);
                response.EnsureSuccessStatusCode();
                Read(JsonNode.Parse(await response.Content.ReadAsStringAsync(cancellationToken)), batch, scores);
            }
            catch (Exception e) when (e is HttpRequestException or JsonException or InvalidOperationException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                fault ??= e.Message;
            }
        }

        return (new ScoredMetric(name, Signature, scores), fault);
    }

    private static void Read(JsonNode? answer, MetricRow[] batch, Dictionary<string, double> scores)
    {
        var asked = batch.Select(r => r.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var entry in answer?["scores"] as JsonArray ?? throw new JsonException("The service's answer holds no list 'scores'."))
        {
            // Each id once, and only what was asked: a service that answers the wrong question scores nothing.
            if (entry?["id"] is JsonValue v && v.TryGetValue<string>(out var id) && asked.Remove(id) && entry["score"] is JsonValue s && s.TryGetValue<double>(out var score) && score is >= 0 and <= 1)
            {
                scores[id] = score;
            }
        }
    }

    private sealed class ScoredMetric(string name, string signature, Dictionary<string, double> scores) : IMetric
    {
        public string Name => name;

        public MetricTable Measure(IReadOnlyList<MetricRow> rows) => new ItemMetric(name, signature, r => scores.TryGetValue(r.Id, out var score) ? score : null).Measure(rows);
    }
}
