using LLama.Native;
using Lauter.Inference.Native;

namespace Lauter.Inference.Grammars;

/// <summary>
/// Where one sequence stands in a grammar. Backed by llama.cpp's matcher, which ends the process when it is told of a token that it
/// does not allow, so <see cref="Accept"/> is only for tokens that <see cref="Allows"/> or <see cref="Mask"/> let through. Beyond the
/// grammar it refuses control tokens (the matcher sees their names as text) and bytes that break UTF-8 (it takes overlong ones). One thread.
/// </summary>
internal sealed class GrammarState : IDisposable
{
    private readonly LoadedModel _model;
    private readonly SafeLLamaSamplerChainHandle _chain;
    private readonly LLamaTokenData[] _one = new LLamaTokenData[1];
    private LLamaTokenData[]? _all;
    private Utf8Progress _text;
    private byte _lastByte;

    private GrammarState(LoadedModel model, SafeLLamaSamplerChainHandle chain)
    {
        _model = model;
        _chain = chain;
    }

    /// <summary>Whether the text is complete and nothing can follow it. A number can always get another digit, so it is never said to be.</summary>
    public bool IsFinished => _model.EndToken is { } end && _lastByte is not (0 or (>= (byte)'0' and <= (byte)'9')) && Allows(end);

    /// <summary>Parses <paramref name="gbnf"/> (start rule <c>root</c>); throws <see cref="FormatException"/> when llama.cpp refuses it.</summary>
    public static GrammarState Parse(LoadedModel model, string gbnf)
    {
        var chain = SafeLLamaSamplerChainHandle.Create(LLamaSamplerChainParams.Default());
        try
        {
            chain.AddGrammar(model.Handle, gbnf, "root");
            return chain.Count == 1 ? new GrammarState(model, chain) : throw new FormatException("The compiled grammar was refused by the native matcher.");
        }
        catch
        {
            chain.Dispose();
            throw;
        }
    }

    /// <summary>A copy at the same place: how a cached grammar starts a new sequence without parsing again.</summary>
    public GrammarState Fork()
    {
        var chain = SafeLLamaSamplerChainHandle.Create(LLamaSamplerChainParams.Default());
        chain.AddClone(_chain, 0);
        return new GrammarState(_model, chain) { _text = _text, _lastByte = _lastByte };
    }

    public bool Allows(int token)
    {
        if (!IsText(token))
        {
            return false;
        }

        _one[0] = new LLamaTokenData((LLamaToken)token, 0, 0);
        Apply(_one);
        return !float.IsNegativeInfinity(_one[0].Logit);
    }

    /// <summary>Sets the logits of all tokens that may not come next to negative infinity.</summary>
    public void Mask(Span<float> logits)
    {
        _all ??= new LLamaTokenData[logits.Length];
        var count = 0;
        for (var id = 0; id < logits.Length; id++)
        {
            if (IsText(id))
            {
                _all[count++] = new LLamaTokenData((LLamaToken)id, logits[id], 0);
            }
        }

        var asked = _all.AsMemory(0, count);
        Apply(asked);
        logits.Fill(float.NegativeInfinity);
        foreach (var entry in asked.Span)
        {
            logits[(int)entry.ID] = entry.Logit;
        }
    }

    public void Accept(int token)
    {
        _chain.Accept((LLamaToken)token);
        var piece = _model.Piece(token);
        _text.TryAdd(piece);
        _lastByte = piece.IsEmpty ? _lastByte : piece[^1];
    }

    public void Dispose() => _chain.Dispose();

    /// <summary>Whether a token is an end mark or bytes that continue the text without breaking a character.</summary>
    private bool IsText(int token)
    {
        if (_model.EndsGeneration(token))
        {
            return _text.IsComplete;
        }

        var copy = _text;
        var piece = _model.Piece(token);
        return !piece.IsEmpty && copy.TryAdd(piece);
    }

    private void Apply(Memory<LLamaTokenData> candidates)
    {
        using var pin = LLamaTokenDataArrayNative.Create(new LLamaTokenDataArray(candidates), out var native);
        _chain.Apply(ref native);
    }
}

/// <summary>No token of the vocabulary can continue the text as the grammar asks.</summary>
internal sealed class GrammarDeadEndException() : Exception("The answer cannot be continued under its schema with this model's vocabulary.");
