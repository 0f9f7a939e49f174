using System.Text.Json;
using Lauter.Catalog.Objects;
using Lauter.Console;
using Lauter.Evaluation.Runs;
using Lauter.Evaluation.Suites;
using Lauter.Steps;

namespace Lauter.Hosting;

/// <summary>The suites of a project as the console shows them.</summary>
internal static class ConsoleSuites
{
    private const int Samples = 12;
    private static readonly JsonSerializerOptions Readable = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static IReadOnlyList<SuiteView> Of(Workspace workspace) =>
    [
        .. from application in workspace.Project.Applications.Keys
           let record = workspace.Records.Last($"suite:{application}")
           where record is not null && workspace.Objects.Contains(record.Manifest)
           let manifest = Manifest.Read(workspace.Objects, record.Manifest)
           where workspace.Objects.Contains(manifest.Object("suite.json").Sha256)
           let suite = Suite.FromBytes(workspace.Objects.ReadAllBytes(manifest.Object("suite.json").Sha256))
           select View(workspace, application, suite, record.Started),
    ];

    private static SuiteView View(Workspace workspace, string application, Suite suite, DateTimeOffset frozen)
    {
        var cards = Cards(workspace, application, suite.Hash);
        var metric = cards.Count > 0 ? cards[0].Metric : suite.Metrics[0].Name;
        string[] dimensions = ["language", .. suite.Items.SelectMany(i => i.Strata.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        return new SuiteView
        {
            Name = suite.Name,
            Application = application,
            Hash = suite.Hash,
            Frozen = frozen,
            Items = suite.Items.Count,
            Clusters = suite.Items.Select(i => i.Cluster).Distinct(StringComparer.Ordinal).Count(),
            Strata =
            [
                .. from dimension in dimensions
                   select (dimension, (IReadOnlyList<CountView>)[.. suite.Items.GroupBy(i => i.Stratum(dimension) ?? "–", StringComparer.Ordinal)
                       .OrderByDescending(g => g.Count()).Select(g => new CountView(g.Key, g.Count()))]),
            ],
            Metrics = [.. suite.Metrics.Select(m => (m.Name, m.Signature))],
            Metric = metric,
            Scores =
            [
                .. from card in cards
                   let overall = card.Card.Overall(metric)
                   orderby overall?.Value descending
                   select new SuiteScore(
                       card.Card.CandidateName, card.Card.CandidateKind, overall?.Value, overall?.Low, overall?.High,
                       [.. card.Card.Values.Where(v => v.Metric == metric && v.Stratum.StartsWith("language=", StringComparison.Ordinal))
                           .Select(v => new ScoreView(v.Metric, v.Stratum["language=".Length..], v.Items, v.Value, v.Low, v.High))],
                       card.Card.Items.Count(i => i.Failure is not null)),
            ],
            Samples =
            [
                // Evenly over the sorted ids, so that all sources and languages have a chance.
                .. from item in suite.Items.Where((_, i) => i % Math.Max(1, suite.Items.Count / Samples) == 0).Take(Samples)
                   select new SuiteSample(
                       item.Id, item.Language, item.Text.Length > 0 ? item.Text : item.Input.ToJsonString(Readable), string.Join(" · ", item.Reference.Select(m => m.Value?.ToString() ?? "null"))),
            ],
        };
    }

    private static List<(Scorecard Card, string Metric)> Cards(Workspace workspace, string application, string suite) =>
    [
        .. from name in (string[])["model", "passages", "live", "nearest", "nearest-vectors"]
           let record = workspace.Records.Last($"evaluate:{application}/{name}")
           where record is not null && workspace.Objects.Contains(record.Manifest)
           let manifest = Manifest.Read(workspace.Objects, record.Manifest)
           where workspace.Objects.Contains(manifest.Object("scorecard.json").Sha256)
           let card = EvaluationSteps.ReadCard(workspace.Objects, manifest)
           where card.SuiteHash == suite
           select (card, manifest.Facts["metric"]!.ToString()),
    ];
}
