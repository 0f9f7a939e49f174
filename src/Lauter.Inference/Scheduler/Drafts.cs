using System.Runtime.InteropServices;

namespace Lauter.Inference.Scheduler;

/// <summary>
/// Guesses what a sequence says next from what already stands in it: after the same three tokens often comes the same text (quotations, code, tables).
/// A guess costs nothing but the room it takes in a step; the model's own choice decides whether it holds (prompt lookup decoding, Saxena 2023).
/// Scheduler's thread only.
/// </summary>
internal sealed class Drafts
{
    private const int Gram = 3;

    /// <summary>Weight of the newest guess in <see cref="Rate"/>.</summary>
    private const double Weight = 0.15;

    private readonly Dictionary<(int, int, int), int> _after = [];
    private int _indexed;

    /// <summary>Share of guessed tokens that held, lately; begins at 0.5, and comes back to it slowly while nothing is guessed.</summary>
    public double Rate { get; private set; } = 0.5;

    /// <summary>Up to <paramref name="most"/> tokens that followed the last time that <paramref name="tokens"/> ended as it does now; empty when it never did.</summary>
    public ReadOnlySpan<int> Next(List<int> tokens, int most)
    {
        // The gram at the very end is indexed only when something follows it, so it never finds itself.
        for (var end = Math.Max(_indexed, Gram); end < tokens.Count; end++)
        {
            _after[Key(tokens, end)] = end;
        }

        _indexed = tokens.Count;
        return most > 0 && tokens.Count >= Gram && _after.TryGetValue(Key(tokens, tokens.Count), out var at)
            ? CollectionsMarshal.AsSpan(tokens).Slice(at, Math.Min(most, tokens.Count - at))
            : [];
    }

    /// <summary>Tokens expected to hold of <paramref name="count"/> guessed ones: they hold one after the other.</summary>
    public double Expected(int count)
    {
        var (sum, chance) = (0.0, 1.0);
        for (var index = 0; index < count; index++)
        {
            chance *= Rate;
            sum += chance;
        }

        return sum;
    }

    public void Observe(int guessed, int held)
    {
        // Behind the first that fails nothing is known.
        for (var index = 0; index < Math.Min(guessed, held + 1); index++)
        {
            Rate += Weight * ((index < held ? 1 : 0) - Rate);
        }
    }

    /// <summary>Nothing was guessed for a token.</summary>
    public void Rest() => Rate += 0.02 * (0.5 - Rate);

    private static (int, int, int) Key(List<int> tokens, int end) => (tokens[end - 3], tokens[end - 2], tokens[end - 1]);
}
