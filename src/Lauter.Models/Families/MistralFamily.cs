namespace Lauter.Models.Families;

/// <summary>
/// Mistral 7B and Nemo; llama.cpp runs them as architecture llama, which sees all tokens. The first Mistral attends to a window of 4,096 tokens only: within that length
/// both agree, so the context is cut to it.
/// </summary>
internal sealed class MistralFamily : LlamaFamily
{
    public override string Name => "mistral";

    protected override ModelConfig FromHuggingFace(HuggingFaceConfig config, ModelConfig common) => common with
    {
        ContextLength = Math.Min(common.ContextLength, config.WholeOrNull("sliding_window") ?? int.MaxValue),
    };
}
