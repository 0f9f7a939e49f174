using System.Text;

namespace Lauter.Inference.Sampling;

/// <summary>
/// Turns the bytes of tokens into text that may be shown: a character is held until all its bytes are there, and text is held while it
/// could still become a stop string. The stop string itself is never shown.
/// </summary>
internal sealed class TextAssembler(IReadOnlyList<string> stops)
{
    private readonly Decoder _decoder = new UTF8Encoding(false, throwOnInvalidBytes: false).GetDecoder();
    private readonly StringBuilder _held = new();

    /// <summary>Whether a stop string was reached; nothing may be added afterwards.</summary>
    public bool Stopped { get; private set; }

    /// <summary>Adds a token's bytes and returns the text that can be shown now, possibly empty.</summary>
    public string Add(ReadOnlySpan<byte> bytes)
    {
        Decode(bytes, flush: false);
        return Release(final: false);
    }

    /// <summary>The rest, when generation ended for another reason; bytes that never became a character turn into U+FFFD.</summary>
    public string Finish()
    {
        Decode([], flush: true);
        return Release(final: true);
    }

    private void Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        Span<char> characters = stackalloc char[Encoding.UTF8.GetMaxCharCount(Math.Min(bytes.Length, 256)) + 4];
        do
        {
            _decoder.Convert(bytes, characters, flush, out var used, out var written, out var completed);
            _held.Append(characters[..written]);
            bytes = bytes[used..];
            if (completed)
            {
                break;
            }
        }
        while (true);
    }

    private string Release(bool final)
    {
        if (_held.Length == 0)
        {
            return "";
        }

        var text = _held.ToString();
        var cut = -1;
        foreach (var stop in stops)
        {
            var at = text.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (cut < 0 || at < cut))
            {
                cut = at;
            }
        }

        if (cut >= 0)
        {
            Stopped = true;
            _held.Clear();
            return text[..cut];
        }

        var keep = final ? 0 : HeldLength(text);
        _held.Remove(0, text.Length - keep);
        return text[..^keep];
    }

    /// <summary>Length of the longest end of <paramref name="text"/> with which a stop string begins.</summary>
    private int HeldLength(string text)
    {
        var longest = 0;
        foreach (var stop in stops)
        {
            for (var length = Math.Min(stop.Length - 1, text.Length); length > longest; length--)
            {
                if (text.AsSpan(text.Length - length).SequenceEqual(stop.AsSpan(0, length)))
                {
                    longest = length;
                }
            }
        }

        return longest;
    }
}
