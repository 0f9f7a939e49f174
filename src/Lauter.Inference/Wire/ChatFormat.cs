using Lauter.Inference.Native;
using Lauter.Models.Templates;
using Lauter.Models.Tokens;

namespace Lauter.Inference.Wire;

/// <summary>
/// Turns messages into the tokens that the model was trained to see, by the template in its file. There is no guess for a file without one:
/// a wrong template answers fluently and badly. Thread-safe.
/// </summary>
internal sealed class ChatFormat : IDisposable
{
    private readonly ModelTokenizer? _tokenizer;
    private readonly ChatTemplate? _template;
    private readonly string _fault;

    private ChatFormat(ModelTokenizer? tokenizer, ChatTemplate? template, string fault)
    {
        _tokenizer = tokenizer;
        _template = template;
        _fault = fault;
    }

    public static ChatFormat Open(LoadedModel model)
    {
        if (model.IsEncoder)
        {
            return new ChatFormat(null, null, "An encoder does not chat.");
        }

        var tokenizer = ModelTokenizer.Open(model.Path);
        if (tokenizer.ChatTemplate is not { Length: > 0 } source)
        {
            return new ChatFormat(tokenizer, null, "The model's file has no chat template; use /v1/completions.");
        }

        try
        {
            return new ChatFormat(tokenizer, ChatTemplate.Parse(source), "");
        }
        catch (TemplateException error)
        {
            return new ChatFormat(tokenizer, null, $"The chat template in the model's file cannot be used: {error.Message}");
        }
    }

    /// <summary>Token ids up to the place where the assistant begins.</summary>
    public int[] Encode(IReadOnlyList<ChatMessage> messages)
    {
        if (_template is null || _tokenizer is null)
        {
            throw new WireException(400, "chat_unsupported", _fault, "model");
        }

        try
        {
            return ChatEncoder.Encode(_template, _tokenizer, messages, addGenerationPrompt: true).Ids;
        }
        catch (TemplateException error)
        {
            throw WireException.Invalid("messages", $"The model's chat template refuses these messages: {error.Message}");
        }
        catch (TokenizerException error)
        {
            throw WireException.Invalid("messages", error.Message);
        }
    }

    public void Dispose() => _tokenizer?.Dispose();
}
