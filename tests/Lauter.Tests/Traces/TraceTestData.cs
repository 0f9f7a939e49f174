using System.Text.Json.Nodes;
using Lauter.Ledger;
using Lauter.Ledger.Budgets;
using Lauter.Traces;

namespace Lauter.Tests.Traces;

internal static class TraceTestData
{
    public static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static TraceRecord Trace(int n, string application = "triage", TraceOutcome outcome = TraceOutcome.Answered, int bodyLength = 20) => new()
    {
        Id = Guid.CreateVersion7(Start.AddSeconds(n)),
        Route = "chat.completions",
        Application = application,
        Release = "triage-1",
        Tenant = "default",
        KeyId = "k1",
        Started = Start.AddSeconds(n),
        Duration = TimeSpan.FromMilliseconds(40 + n),
        Outcome = outcome,
        Status = 200,
        FinishReason = "stop",
        Charges = [new Charge(Meter.TextOutput, n, MeterSource.Local, "triage", new Money(n * 10L, "CNY"), "list"), new Charge(Meter.UncachedInput, 7, MeterSource.Local, "triage", null)],
        CreditAccount = LedgerAccounts.Machine,
        Settlements = [new BudgetSettlement("lease-1", n * 10L)],
        Request = new string('问', bodyLength),
        Response = "{\"intent\":\"refund\"}",
        Input = new JsonObject { ["text"] = $"ticket {n}" },
    };

    public static FeedbackRecord Feedback(Guid trace, int n, int? rating = null, JsonNode? correction = null) => new()
    {
        Id = Guid.CreateVersion7(Start.AddHours(1).AddSeconds(n)),
        TraceId = trace,
        At = Start.AddHours(1).AddSeconds(n),
        Tenant = "default",
        KeyId = "k1",
        Rating = rating,
        Correction = correction,
    };
}
