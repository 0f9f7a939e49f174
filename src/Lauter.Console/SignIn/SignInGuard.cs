using Microsoft.Extensions.Logging;

namespace Lauter.Console.SignIn;

/// <summary>Outcome of an attempt to sign in.</summary>
/// <param name="Accepted">The password was right.</param>
/// <param name="LockedFor">Not null when attempts are refused for so long, whatever the password.</param>
internal readonly record struct SignInOutcome(bool Accepted, TimeSpan? LockedFor);

/// <summary>
/// Slows guessing down: after <see cref="Allowed"/> wrong passwords from one address it is locked for a minute, doubling with each further
/// wrong one up to an hour; all addresses together have ten times as many. One attempt is checked at a time, because each costs a core
/// for about 0.2 s.
/// </summary>
internal sealed partial class SignInGuard(Func<string, bool> matches, TimeProvider time, ILogger<SignInGuard> logger) : IDisposable
{
    public const int Allowed = 5;
    private const int MaximumAddresses = 10_000;
    private const string Everyone = "*";
    private static readonly TimeSpan FirstLock = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestLock = TimeSpan.FromHours(1);
    private static readonly TimeSpan Forget = TimeSpan.FromHours(2);

    private readonly Dictionary<string, Failures> _failures = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _turn = new(1, 1);

    public async Task<SignInOutcome> TryAsync(string address, string password, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            var now = time.GetUtcNow();
            Clean(now);
            if ((Locked(address, now) ?? Locked(Everyone, now)) is { } left)
            {
                LogLocked(logger, address);
                return new SignInOutcome(false, left);
            }

            if (matches(password))
            {
                _failures.Remove(address);
                return new SignInOutcome(true, null);
            }

            LogWrong(logger, address);
            Count(address, Allowed, now);
            Count(Everyone, Allowed * 10, now);
            return new SignInOutcome(false, Locked(address, now));
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private TimeSpan? Locked(string address, DateTimeOffset now) =>
        _failures.TryGetValue(address, out var failures) && failures.Until > now ? failures.Until - now : null;

    private void Count(string address, int allowed, DateTimeOffset now)
    {
        var count = (_failures.TryGetValue(address, out var before) ? before.Count : 0) + 1;
        var until = now;
        if (count >= allowed)
        {
            var doublings = Math.Min(count - allowed, 10);
            until += TimeSpan.FromTicks(Math.Min(FirstLock.Ticks << doublings, LongestLock.Ticks));
        }

        _failures[address] = new Failures(count, until, now);
    }

    private void Clean(DateTimeOffset now)
    {
        foreach (var (address, failures) in _failures)
        {
            if (now - failures.Last > Forget || (_failures.Count > MaximumAddresses && address != Everyone))
            {
                _failures.Remove(address);
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "Wrong console password from {Address}.")]
    private static partial void LogWrong(ILogger logger, string address);

    [LoggerMessage(LogLevel.Warning, "Console sign-in refused: too many wrong passwords from {Address}.")]
    private static partial void LogLocked(ILogger logger, string address);

    private readonly record struct Failures(int Count, DateTimeOffset Until, DateTimeOffset Last);
}
