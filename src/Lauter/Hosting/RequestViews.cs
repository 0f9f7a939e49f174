using System.Text.Json;
using Lauter.Console;
using Lauter.Ledger;
using Lauter.Traces;

namespace Lauter.Hosting;

/// <summary>Traces as the console shows them.</summary>
internal static class RequestViews
{
    /// <summary>One row of a list.</summary>
    public static TraceView Row(TraceRecord trace) => new(
        trace.Id.ToString("N"), trace.Application, trace.Release, trace.Started, trace.Duration, trace.Status, Code(trace.Outcome),
        Tokens(trace, output: false), Tokens(trace, output: true), trace.Cost?.Units, trace.Cost?.Currency);

    /// <summary>The stable code of an outcome.</summary>
    public static string Code(TraceOutcome outcome) => JsonNamingPolicy.SnakeCaseLower.ConvertName(outcome.ToString());

    private static long? Tokens(TraceRecord trace, bool output)
    {
        var meters = trace.Charges.Where(c => (c.Meter is Meter.TextOutput or Meter.ReasoningOutput) == output && MeterNames.CountsTokens(c.Meter)).ToList();
        return meters.Count == 0 || meters.Any(m => m.Source == MeterSource.Missing) ? null : meters.Sum(m => m.Quantity);
    }
}
