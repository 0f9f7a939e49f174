using Lauter.Console;
using Lauter.Data.Export;

namespace Lauter.Hosting;

/// <summary>What the data room found out, as the console and the reports show it.</summary>
internal static class DataViews
{
    /// <summary>The view of an overview.</summary>
    public static DataVersion Of(string name, DatasetOverview overview) => new()
    {
        Name = name,
        Read = overview.RowsIn,
        Kept = overview.RowsOut,
        Funnel = [.. overview.Funnel.Select(f => new FunnelView(f.Stage, f.Dropped, f.Left))],
        Changed = Counts(overview.Changed),
        Masked = Counts(overview.Redactions),
        Languages = Counts(overview.Languages),
        Histograms = [.. overview.Histograms.Select(h => new HistogramView(h.Measure, h.Language, h.IsCount, h.Bars))],
        Rejects = [.. overview.Rejects.Select(r => new RejectView(r.Reason, r.Count, [.. r.Samples.Select(Row)]))],
    };

    public static RejectedRow Row(RejectRow row) => new(row.Id, Place(row.Source, row.Position), row.Stage, row.Detail, row.Text);

    public static string Place(string source, int position) => position > 0 ? $"{source}:{position}" : source;

    private static List<CountView> Counts(IReadOnlyDictionary<string, long> counts) => [.. counts.OrderByDescending(c => c.Value).ThenBy(c => c.Key, StringComparer.Ordinal).Select(c => new CountView(c.Key, c.Value))];
}
