using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Inference.Native;
using Lauter.Inference.Tools;
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
    private readonly bool _knowsTools;

    private ChatFormat(ModelTokenizer? tokenizer, ChatTemplate? template, string fault)
    {
        _tokenizer = tokenizer;
        _template = template;
        _fault = fault;
        _knowsTools = template?.Source.Contains("tools", StringComparison.Ordinal) == true;
        Dialect = ToolDialect.Of(template?.Source ?? "");
        Version = template is null ? "" : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(template.Source)))[..16];
    }

    /// <summary>How this model writes tool calls.</summary>
    public ToolDialect Dialect { get; }

    /// <summary>Names the template by its text.</summary>
    public string Version { get; }

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
    public int[] Encode(IReadOnlyList<ChatMessage> messages, ToolSet? tools)
    {
        if (_template is null || _tokenizer is null)
        {
            throw new WireException(400, "chat_unsupported", _fault, "model");
        }

        try
        {
            var options = new ChatRenderOptions
            {
                BeginToken = Spelling(_tokenizer.Begin),
                EndToken = Spelling(_tokenizer.End),
                Variables = _knowsTools && tools is not null ? new JsonObject { ["tools"] = tools.Described.DeepClone() } : null,
            };
            var shown = _knowsTools ? messages : ToolPrompt.Write(messages, tools);
            return ChatEncoder.Encode(_template, _tokenizer, shown, addGenerationPrompt: true, options).Ids;
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

    private string? Spelling(int? token) => token is { } id ? Encoding.UTF8.GetString(_tokenizer!.PieceBytes(id)) : null;
}
