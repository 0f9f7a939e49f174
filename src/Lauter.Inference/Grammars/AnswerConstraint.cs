using System.Text;

namespace Lauter.Inference.Grammars;

/// <summary>
/// What an answer is held to: a grammar from its first token on, or one that begins when the model writes a mark, for instance the one that
/// opens a tool call. Until then everything is allowed. One thread.
/// </summary>
/// <param name="grammar">A state of this answer's own.</param>
/// <param name="mark">Text after which the grammar begins; null for at once.</param>
internal sealed class AnswerConstraint(GrammarState grammar, string? mark = null) : IDisposable
{
    private readonly byte[] _mark = mark is null ? [] : Encoding.UTF8.GetBytes(mark);
    private readonly List<byte> _tail = [];

    /// <summary>The grammar when it is in force.</summary>
    public GrammarState? Active => _mark.Length == 0 || _begun ? grammar : null;

    private bool _begun;

    /// <summary>Tells the constraint what was chosen.</summary>
    public void Accept(int token, ReadOnlySpan<byte> piece)
    {
        if (Active is { } active)
        {
            active.Accept(token);
            return;
        }

        _tail.AddRange(piece);
        if (_tail.Count > 4 * _mark.Length + piece.Length)
        {
            _tail.RemoveRange(0, _tail.Count - (2 * _mark.Length) - piece.Length);
        }

        // A token that goes on behind the mark cannot be taken back: such an answer stays free and is read as it comes.
        _begun = _tail.Count >= _mark.Length && System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_tail).EndsWith(_mark);
    }

    public void Dispose() => grammar.Dispose();
}
