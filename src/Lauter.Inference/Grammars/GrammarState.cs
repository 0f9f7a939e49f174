using LLama.Native;
using Lauter.Inference.Native;

namespace Lauter.Inference.Grammars;

/// <summary>
/// Where one sequence stands in a grammar. Backed by llama.cpp's matcher, which ends the process when it is told of a token that it
/// does not allow, so <see cref="Accept"/> is only for tokens that <see cref="Allows"/> or <see cref="Mask"/> let through. One thread.
/// </summary>
internal sealed class GrammarState : IDisposable
{
    private readonly SafeLLamaSamplerChainHandle _chain;
    private readonly LLamaTokenData[] _one = new LLamaTokenData[1];
    private readonly LLamaTokenData[] _all;

    private GrammarState(SafeLLamaSamplerChainHandle chain, int vocabularySize)
    {
        _chain = chain;
        _all = new LLamaTokenData[vocabularySize];
    }

    /// <summary>Parses <paramref name="gbnf"/> (start rule <c>root</c>); throws <see cref="FormatException"/> when llama.cpp refuses it.</summary>
    public static GrammarState Parse(LoadedModel model, string gbnf)
    {
        var chain = SafeLLamaSamplerChainHandle.Create(LLamaSamplerChainParams.Default());
        chain.AddGrammar(model.Handle, gbnf, "root");
        if (chain.Count != 1)
        {
            chain.Dispose();
            throw new FormatException("The compiled grammar was refused by the native matcher.");
        }

        return new GrammarState(chain, model.VocabularySize);
    }

    /// <summary>A copy at the same place: how a cached grammar starts a new sequence without parsing again.</summary>
    public GrammarState Fork()
    {
        var chain = SafeLLamaSamplerChainHandle.Create(LLamaSamplerChainParams.Default());
        chain.AddClone(_chain, 0);
        return new GrammarState(chain, _all.Length);
    }

    public bool Allows(int token)
    {
        _one[0] = new LLamaTokenData((LLamaToken)token, 0, 0);
        Apply(_one);
        return !float.IsNegativeInfinity(_one[0].Logit);
    }

    /// <summary>Sets the logits of all tokens that may not come next to negative infinity.</summary>
    public void Mask(Span<float> logits)
    {
        for (var id = 0; id < logits.Length; id++)
        {
            _all[id] = new LLamaTokenData((LLamaToken)id, logits[id], 0);
        }

        Apply(_all);
        foreach (var entry in _all)
        {
            logits[(int)entry.ID] = entry.Logit;
        }
    }

    public void Accept(int token) => _chain.Accept((LLamaToken)token);

    public void Dispose() => _chain.Dispose();

    private void Apply(LLamaTokenData[] candidates)
    {
        using var pin = LLamaTokenDataArrayNative.Create(new LLamaTokenDataArray(candidates), out var native);
        _chain.Apply(ref native);
    }
}
