using System.Text.Json;
using Lauter.Models.Templates.Jinja;

namespace Lauter.Models.Templates;

/// <summary>
/// A chat template: sandboxed Jinja as models carry it. The same renderer serves training, evaluation and serving. Every character of the result knows
/// whether the template's author or a message wrote it. Thread-safe.
/// </summary>
public sealed class ChatTemplate
{
    /// <summary>The template of models trained from scratch here: <c>&lt;|im_start|&gt;role, line feed, content, &lt;|im_end|&gt;, line feed</c>; the assistant's content and its end mark are trained.</summary>
    public const string ChatMl =
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}"
        + "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\\n' }}"
        + "{% else %}{{ message['content'] + '<|im_end|>\\n' }}{% endif %}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    private const int MaxSourceLength = 1 << 20;

    /// <summary>Roles that templates build special tokens from, as in <c>'&lt;|' + role + '|&gt;'</c>: these words count as the template's own, any other role as data.</summary>
    private static readonly HashSet<string> KnownRoles =
        ["system", "user", "assistant", "tool", "developer", "function", "observation", "ipython", "human", "model"];

    private readonly IReadOnlyList<Node> _body;

    private ChatTemplate(string source, IReadOnlyList<Node> body, bool hasGeneration)
    {
        Source = source;
        _body = body;
        MarksGeneration = hasGeneration;
    }

    /// <summary>The template's text.</summary>
    public string Source { get; }

    /// <summary>Whether the template itself says, with <c>generation</c> blocks, what the assistant generates.</summary>
    public bool MarksGeneration { get; }

    /// <summary>Parses a template.</summary>
    /// <exception cref="TemplateException">The text is no template, or uses what is not supported; with line and column.</exception>
    public static ChatTemplate Parse(string jinja)
    {
        ArgumentNullException.ThrowIfNull(jinja);
        if (jinja.Length > MaxSourceLength)
        {
            throw new TemplateException(TemplateFault.Syntax, $"the template has {jinja.Length} characters; the limit is {MaxSourceLength}");
        }

        var (body, hasGeneration) = Parser.Parse(jinja);
        return new ChatTemplate(jinja, body, hasGeneration);
    }

    /// <summary>Renders a conversation.</summary>
    /// <param name="messages">At least one message.</param>
    /// <param name="addGenerationPrompt">Whether the text ends where the assistant is to begin.</param>
    /// <param name="options">What the template sees besides; null = nothing.</param>
    /// <exception cref="TemplateException">The template refuses the conversation or fails; nothing is rendered.</exception>
    public RenderedChat Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt, ChatRenderOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        if (messages.Count == 0)
        {
            throw new TemplateException(TemplateFault.Render, "a conversation needs at least one message");
        }

        return Render(new Sequence([.. messages.Select(Message)]), addGenerationPrompt, options ?? new ChatRenderOptions());
    }

    private RenderedChat Render(Sequence messages, bool addGenerationPrompt, ChatRenderOptions options)
    {
        var names = new Dictionary<string, object?>
        {
            ["messages"] = messages,
            ["tools"] = null,
            ["documents"] = null,
            ["add_generation_prompt"] = addGenerationPrompt,
        };
        foreach (var (name, value) in options.Variables ?? [])
        {
            using var json = JsonDocument.Parse(value?.ToJsonString() ?? "null");
            names[name] = JsonText.Read(json.RootElement, Mark.Data);
        }

        if (options.BeginToken is { } begin)
        {
            names["bos_token"] = new Text(begin);
        }

        if (options.EndToken is { } end)
        {
            names["eos_token"] = new Text(end);
        }

        return Segments(Render(names, options.Time));
    }

    /// <summary>Renders a conversation given as JSON, so that messages may have all members their template knows: tool calls, reasoning, parts.</summary>
    /// <param name="messages">A list of at least one object.</param>
    /// <param name="addGenerationPrompt">Whether the text ends where the assistant is to begin.</param>
    /// <param name="options">What the template sees besides; null = nothing. <c>tools</c> and the like go into its variables.</param>
    /// <exception cref="TemplateException">No list of objects, or the template refuses the conversation or fails.</exception>
    public RenderedChat Render(JsonElement messages, bool addGenerationPrompt, ChatRenderOptions? options = null)
    {
        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0 || messages.EnumerateArray().Any(message => message.ValueKind != JsonValueKind.Object))
        {
            throw new TemplateException(TemplateFault.Render, "a conversation is a list of at least one message object");
        }

        return Render(new Sequence([.. messages.EnumerateArray().Select(Message)]), addGenerationPrompt, options ?? new ChatRenderOptions());
    }

    /// <summary>Renders with these names; texts keep their marks.</summary>
    internal Text Render(IReadOnlyDictionary<string, object?> names, TimeProvider time)
    {
        var globals = new Scope(null);
        foreach (var (name, value) in Globals.Create(time))
        {
            globals[name] = value;
        }

        foreach (var (name, value) in names)
        {
            globals[name] = value;
        }

        return new Interpreter(new RenderLimits(), strict: false).Render(_body, globals);
    }

    private static Mapping Message(ChatMessage message)
    {
        var content = message.Role == "assistant" ? Mark.Data | Mark.Assistant : Mark.Data;
        var members = new List<KeyValuePair<object?, object?>>
        {
            new(new Text("role"), Text.From(message.Role, KnownRoles.Contains(message.Role) ? Mark.Template : Mark.Data)),
            new(new Text("content"), Text.From(message.Content, content)),
        };
        foreach (var (name, value) in message.Members ?? [])
        {
            using var json = JsonDocument.Parse(value?.ToJsonString() ?? "null");
            members.Add(new(new Text(name), JsonText.Read(json.RootElement, content)));
        }

        return new Mapping(members);
    }

    private static Mapping Message(JsonElement message)
    {
        var role = message.TryGetProperty("role", out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        var mark = role == "assistant" ? Mark.Data | Mark.Assistant : Mark.Data;
        return new Mapping(message.EnumerateObject().Select(member => new KeyValuePair<object?, object?>(
            new Text(member.Name),
            member.NameEquals("role") && KnownRoles.Contains(role) ? new Text(role) : JsonText.Read(member.Value, mark))));
    }

    private RenderedChat Segments(Text text)
    {
        var segments = new List<ChatSegment>();
        for (var start = 0; start < text.Length;)
        {
            var kind = KindAt(text, start);
            var end = start + 1;
            while (end < text.Length && KindAt(text, end) == kind)
            {
                end++;
            }

            segments.Add(new ChatSegment(text.Value[start..end], kind.IsMarkup, kind.IsTrained));
            start = end;
        }

        return new RenderedChat(text.Value, segments);
    }

    private (bool IsMarkup, bool IsTrained) KindAt(Text text, int at)
    {
        var mark = text.Marks?[at] ?? Mark.Template;
        return (!mark.HasFlag(Mark.Data), mark.HasFlag(MarksGeneration ? Mark.Generation : Mark.Assistant));
    }
}
