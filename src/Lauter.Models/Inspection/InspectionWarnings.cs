using Lauter.Models.Families;
using Lauter.Models.Gguf;
using Lauter.Models.Templates;

namespace Lauter.Models.Inspection;

/// <summary>Known ways in which a GGUF file is served worse than it was trained.</summary>
internal static class InspectionWarnings
{
    public static IEnumerable<string> Of(GgufMetadata keys, InspectedTokenizer? tokenizer, ModelConfig? config)
    {
        if (tokenizer is null or { Model: "no_vocab" })
        {
            yield return "The file has no vocabulary: it answers token ids, not texts.";
            yield break;
        }

        if (VocabularyGuard.Fault(keys) is { } fault)
        {
            yield return fault;
        }

        if (tokenizer is { Model: "gpt2", Pre: null or "default" })
        {
            yield return "tokenizer.ggml.pre is missing or 'default': llama.cpp then splits texts in another way than the model was trained on. Convert the original checkpoint again.";
        }

        if (config is not null && tokenizer.Tokens != config.VocabularySize)
        {
            yield return $"The vocabulary has {tokenizer.Tokens} tokens, but the embedding {config.VocabularySize} rows.";
        }

        if (tokenizer.ChatTemplate is null)
        {
            yield return "There is no chat template: conversations cannot be rendered as the model was trained.";
        }
        else if (Refusal(tokenizer.ChatTemplate) is { } message)
        {
            yield return $"The chat template is not understood: {message}";
        }

        if (keys.Integer("tokenizer.ggml.eos_token_id") is null)
        {
            yield return "tokenizer.ggml.eos_token_id is missing: answers may not end.";
        }
    }

    private static string? Refusal(string template)
    {
        try
        {
            _ = ChatTemplate.Parse(template);
            return null;
        }
        catch (TemplateException exception)
        {
            return exception.Message;
        }
    }
}
