namespace Lauter.Models.Templates;

/// <summary>One message of a conversation.</summary>
/// <param name="Role">For instance <c>system</c>, <c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">The text; never parsed as template nor for special tokens.</param>
public sealed record ChatMessage(string Role, string Content);
