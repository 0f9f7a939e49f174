namespace Lauter.Models.Templates;

/// <summary>One message of a conversation.</summary>
/// <param name="Role">For instance <c>system</c>, <c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">The text; never parsed as template nor for special tokens.</param>
public sealed record ChatMessage(string Role, string Content)
{
    /// <summary>Further members that the template sees, for instance <c>tool_calls</c> or <c>tool_call_id</c>; texts in it count as data. Null = none.</summary>
    public System.Text.Json.Nodes.JsonObject? Members { get; init; }
}
