namespace Lauter.Models.Templates;

/// <summary>Stand-in until the Models room has it.</summary>
public sealed record ChatMessage(string Role, string Content);
