using Lauter.Ledger;
using Lauter.Traces;

namespace Lauter.Gateway;

/// <summary>The state directory without a running gateway: for a bill, for an iteration, after a crash.</summary>
public static class GatewayState
{
    /// <summary>
    /// Moves what an earlier process left in the journal into ledger and store. Does no harm beside a running gateway: what that one is writing
    /// stays with it.
    /// </summary>
    /// <param name="stateDirectory">By custom <c>.lauter</c>.</param>
    /// <param name="ledger">The project's ledger.</param>
    /// <param name="store">The project's traces.</param>
    public static JournalReport CatchUp(string stateDirectory, LedgerStore ledger, TraceStore store) =>
        Reader(Path.Combine(stateDirectory, "journal"), ledger, store, ownWriter: null).Drain();

    internal static JournalReader Reader(string journalDirectory, LedgerStore ledger, TraceStore store, string? ownWriter) =>
        new(journalDirectory, store, traces => ledger.Post([.. traces.Select(t => t.ToLedgerEntry()).OfType<LedgerEntry>()]), ownWriter);
}
