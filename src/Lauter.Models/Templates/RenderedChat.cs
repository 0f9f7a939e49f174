namespace Lauter.Models.Templates;

/// <summary>A piece of a rendered conversation.</summary>
/// <param name="Text">The characters.</param>
/// <param name="IsTemplateMarkup">Whether the template's author wrote them: only there are special tokens parsed.</param>
/// <param name="IsAssistantContent">Whether they bear loss in training: what a <c>generation</c> block put out, or the assistant's content where the template has no such block.</param>
public sealed record ChatSegment(string Text, bool IsTemplateMarkup, bool IsAssistantContent);

/// <summary>A rendered conversation.</summary>
/// <param name="Text">The whole text.</param>
/// <param name="Segments">The same text in pieces, in order.</param>
public sealed record RenderedChat(string Text, IReadOnlyList<ChatSegment> Segments);

/// <summary>What a template sees beside the messages.</summary>
public sealed record ChatRenderOptions
{
    /// <summary>Spelling of the beginning-of-sequence token; null = the template's <c>bos_token</c> is undefined.</summary>
    public string? BeginToken { get; init; }

    /// <summary>Spelling of the end-of-sequence token; null = the template's <c>eos_token</c> is undefined.</summary>
    public string? EndToken { get; init; }

    /// <summary>Further variables of the template, for instance <c>enable_thinking</c>; null = none. Texts in it count as data.</summary>
    public System.Text.Json.Nodes.JsonObject? Variables { get; init; }

    /// <summary>Clock behind <c>strftime_now</c>.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
