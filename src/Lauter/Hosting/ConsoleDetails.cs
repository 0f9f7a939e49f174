using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Console;
using Lauter.Evaluation.Runs;
using Lauter.Evaluation.Suites;
using Lauter.Ledger;
using Lauter.Steps;
using Lauter.Traces;
using Lauter.Traces.Search;

namespace Lauter.Hosting;

/// <summary>Answers the pages behind the flow from the traces, the scorecards and the ledger of a project.</summary>
internal sealed class ConsoleDetails(Workspace workspace) : IConsoleDetails
{
    private const int PageSize = 50;
    private const int ItemsPerGroup = 50;

    private static readonly IReadOnlyDictionary<string, LedgerDimension> Dimensions =
        CostSplit.Dimensions.ToDictionary(d => d, d => Enum.Parse<LedgerDimension>(d, ignoreCase: true), StringComparer.Ordinal);

    public RequestList Requests(RequestQuery query)
    {
        using var traces = Traces();
        TraceOutcome? outcome = query.Outcome is { } code && Enum.TryParse<TraceOutcome>(code, ignoreCase: true, out var parsed) ? parsed : null;
        // One more than a page shows says whether there is a next one.
        var rows = traces.Search(
            new TraceQuery { Text = query.Text, Application = query.Application, Outcome = outcome, Release = query.Release, Until = query.Before }, PageSize + 1);
        return new RequestList(
            [.. rows.Take(PageSize).Select(RequestViews.Row)], workspace.Releases.Applications(),
            [.. Enum.GetValues<TraceOutcome>().Select(RequestViews.Code)], rows.Count > PageSize ? rows[PageSize - 1].Started : null);
    }

    public RequestDetail? Request(string id)
    {
        if (!Guid.TryParse(id, out var trace))
        {
            return null;
        }

        using var traces = Traces();
        if (traces.Find(trace) is not { } found)
        {
            return null;
        }

        return new RequestDetail(
            RequestViews.Row(found), found.Tenant, found.KeyId, found.FinishReason, found.ErrorCode, found.Stream, found.TimeToFirst, found.Request, found.Response, found.Truncated,
            [.. found.Charges.Select(c => new ChargeView(
                MeterNames.NameOf(c.Meter), c.Quantity, JsonNamingPolicy.SnakeCaseLower.ConvertName(c.Source.ToString()), c.Sku, c.Amount?.Units, c.Amount?.Currency, c.PriceSource))],
            [.. traces.FeedbackOn(trace).Select(f => new FeedbackLine(f.At, f.Rating, f.Comment, f.Correction?.ToJsonString(Readable)))]);
    }

    public ScoreDiff? Differences(ScoreQuery query)
    {
        var cards = Cards();
        var applications = cards.Select(c => c.Application).Distinct(StringComparer.Ordinal).ToList();
        var application = query.Application is { } wished && applications.Contains(wished) ? wished : applications.FirstOrDefault();
        var all = cards.Where(c => c.Application == application).ToList();
        var newest = all.FirstOrDefault(c => c.Name is "model" or "passages") ?? all.FirstOrDefault();
        // Scorecards of different suites never compare.
        var mine = all.Where(c => c.Card.SuiteHash == newest?.Card.SuiteHash).ToList();
        if (mine.Count < 2 || newest is null || application is null)
        {
            return null;
        }

        var after = mine.FirstOrDefault(c => c.Card.CandidateName == query.After) ?? newest;
        var before = mine.FirstOrDefault(c => c.Card.CandidateName == query.Before && c != after)
            ?? mine.FirstOrDefault(c => c.Name == "live" && c != after) ?? mine.First(c => c != after);
        var texts = Texts(after.Suite);
        var flips = ScorecardDiff.Flipped(before.Card, after.Card, after.Metric)
            .Where(f => (query.Language is null || f.Language == query.Language) && (query.Won is null || f.Won == query.Won)).ToList();
        return new ScoreDiff(
            application, applications, [.. mine.Select(c => c.Card.CandidateName)], before.Card.CandidateName, after.Card.CandidateName, after.Metric,
            after.Card.Items.Count, flips.Count(f => f.Won), flips.Count(f => !f.Won),
            [
                .. from flip in flips
                   // A way to be wrong that happened once is no pattern: those stand together at the end.
                   let pattern = flips.Count(f => f.Won == flip.Won && f.Group == flip.Group) > 1 ? flip.Group : ""
                   group flip by (flip.Won, Pattern: pattern) into same
                   orderby same.Key.Won, same.Key.Pattern.Length == 0, same.Count() descending, same.Key.Pattern
                   select new ScoreDiffGroup(same.Key.Pattern, same.Key.Won, [.. same.Take(ItemsPerGroup).Select(f => new ScoreDiffItem(
                       f.Id, f.Language, texts.GetValueOrDefault(f.Id), Said(f.After.Reference, null), Said(f.Before.Prediction, f.Before.Failure), Said(f.After.Prediction, f.After.Failure)))], same.Count()),
            ]);
    }

    public IReadOnlyList<SuiteView> Suites() => ConsoleSuites.Of(workspace);

    public CostSplit Costs(CostQuery query)
    {
        using var ledger = new LedgerStore(workspace.StatePath("ledger.db"));
        var filter = new LedgerFilter { Values = query.Values.Where(v => Dimensions.ContainsKey(v.Key)).ToDictionary(v => Dimensions[v.Key], v => v.Value) };
        var currency = ProjectPrices.Of(workspace.Project).Machine.CoreHour.Currency;
        return new CostSplit
        {
            By = query.By,
            Values = query.Values,
            Parts =
            [
                .. ledger.Totals(filter, Dimensions[query.By])
                    .Select(t => new CostPart(t.Key, t.Amounts.Where(a => a.Currency == currency).Select(a => (decimal?)a.Units).FirstOrDefault(), currency, t.Entries, t.UnpricedLines + t.Amounts.Count(a => a.Currency != currency)))
                    .OrderByDescending(p => p.Amount ?? -1),
            ],
            Entries =
            [
                .. ledger.Entries(filter, PageSize).Select(e => new CostEntry(
                    e.At, LedgerAccounts.NameOf(e.Phase), e.Application, e.Description ?? e.Reference,
                    e.Id.StartsWith("trace/", StringComparison.Ordinal) ? e.Id["trace/".Length..] : null,
                    e.UnpricedLines > 0 ? null : e.Amounts.Count == 1 ? e.Amounts[0].Units : e.Amounts.Count == 0 ? 0 : null, e.UnpricedLines > 0 ? null : e.Amounts.Count == 1 ? e.Amounts[0].Currency : currency)),
            ],
        };
    }

    private static JsonSerializerOptions Readable { get; } = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private TraceStore Traces() => new(workspace.StatePath("traces.db"));

    private List<StoredCard> Cards() =>
    [
        .. from application in workspace.Project.Applications.Keys
           from name in (string[])["model", "passages", "live", "nearest", "nearest-vectors"]
           let record = workspace.Records.Last($"evaluate:{application}/{name}")
           where record is not null && workspace.Objects.Contains(record.Manifest)
           let manifest = Manifest.Read(workspace.Objects, record.Manifest)
           where workspace.Objects.Contains(manifest.Object("scorecard.json").Sha256)
           select new StoredCard(
               application, name, EvaluationSteps.ReadCard(workspace.Objects, manifest), manifest.Facts["metric"]!.ToString(), manifest.Inputs.FirstOrDefault(i => i.Role == "suite")?.Sha256),
    ];

    /// <summary>What each item of a suite asks.</summary>
    private Dictionary<string, string> Texts(string? suiteManifest)
    {
        if (suiteManifest is null || !workspace.Objects.Contains(suiteManifest))
        {
            return [];
        }

        var file = Manifest.Read(workspace.Objects, suiteManifest).Objects.FirstOrDefault(o => o.Name == "suite.json");
        return file is null || !workspace.Objects.Contains(file.Sha256)
            ? []
            : Suite.FromBytes(workspace.Objects.ReadAllBytes(file.Sha256)).Items.ToDictionary(i => i.Id, i => i.Text.Length > 0 ? i.Text : i.Input.ToJsonString(Readable), StringComparer.Ordinal);
    }

    private static string Said(JsonObject? answer, string? failure) => answer is null ? failure ?? "–" : string.Join(" · ", answer.Select(m => m.Value?.ToString() ?? "null"));

    private sealed record StoredCard(string Application, string Name, Scorecard Card, string Metric, string? Suite);
}
