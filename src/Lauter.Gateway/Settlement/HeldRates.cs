using System.Diagnostics.CodeAnalysis;
using Lauter.Gateway.Api;
using Lauter.Ledger.Budgets;

namespace Lauter.Gateway.Settlement;

/// <summary>
/// What a request holds of the rates: tokens in the accounts of its key and tenant, which it entered at the edge, and a place in those of its
/// application and user. Lines of batches and silent candidates did not come in by the edge: they have only the latter.
/// </summary>
internal sealed class HeldRates(EdgeAdmission? edge, long most)
{
    private RateAdmission? _own;
    private bool _taken;

    /// <summary>Takes the tokens of key and tenant.</summary>
    /// <returns>What stands in the way; null = they are taken.</returns>
    public RateRefusal? Take()
    {
        var refusal = edge?.Take(most);
        _taken = edge is not null && refusal is null;
        return refusal;
    }

    /// <summary>Enters the accounts of application and user; true when one of them refuses.</summary>
    public bool Enter(RateGate gate, RequestStart start, [NotNullWhen(true)] out RateRefusal? refusal)
    {
        refusal = null;
        if (gate.IsEmpty)
        {
            return false;
        }

        (_own, refusal) = gate.Enter(start.User is null ? [$"application:{start.Application}"] : [$"application:{start.Application}", $"user:{start.Key.Tenant}/{start.User}"], most);
        if (refusal is not null)
        {
            End(0);
        }

        return refusal is not null;
    }

    /// <summary>The request is over.</summary>
    /// <param name="used">Tokens; null = unknown, what was taken counts.</param>
    public void End(long? used)
    {
        _own?.End(used);
        _own = null;
        if (_taken)
        {
            _taken = false;
            edge!.Used(used ?? most);
        }
    }
}
