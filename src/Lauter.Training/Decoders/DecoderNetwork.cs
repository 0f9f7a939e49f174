using Lauter.Models.Gguf;
using Lauter.Training.Networks;

namespace Lauter.Training.Decoders;

/// <summary>A model file of any supported family, computed in fp32: our side of every parity gate. Weights stay mapped; not thread-safe.</summary>
public sealed class DecoderNetwork : LanguageNetwork
{
    private const int Slots = 4;

    private readonly Decoder _decoder;

    private DecoderNetwork(Decoder decoder) => _decoder = decoder;

    /// <summary>Opens a GGUF file.</summary>
    /// <exception cref="GgufFormatException">The file is not sound, or of no supported family.</exception>
    /// <exception cref="InvalidDataException">The family has a part that is not computed here.</exception>
    public static DecoderNetwork Open(string path) => new(new Decoder(MappedWeights.Open(path), Slots));

    /// <inheritdoc/>
    public override float[,] LogProbabilities(int[] ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        return _decoder.LogProbabilities(ids);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => _decoder.Dispose();
}
