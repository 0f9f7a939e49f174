namespace Lauter.Gateway.Providers;

/// <summary>
/// Allows retries only as a share of traffic: each request earns a tenth of a retry, ten can be saved up. When an upstream is down, retries
/// then add at most 10 % instead of multiplying the load.
/// </summary>
internal sealed class RetryBudget
{
    private const int Request = 1;
    private const int Retry = 10;
    private const int Most = 100;
    private int _saved = Most;

    public void Earn()
    {
        int saved;
        do
        {
            saved = Volatile.Read(ref _saved);
        }
        while (saved < Most && Interlocked.CompareExchange(ref _saved, Math.Min(Most, saved + Request), saved) != saved);
    }

    public bool TrySpend()
    {
        while (true)
        {
            var saved = Volatile.Read(ref _saved);
            if (saved < Retry)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _saved, saved - Retry, saved) == saved)
            {
                return true;
            }
        }
    }
}
