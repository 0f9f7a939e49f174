namespace Lauter.Inference.Grammars;

/// <summary>What became of a schema: either a grammar or the reasons why there is none.</summary>
/// <param name="Grammar">The grammar in llama.cpp's notation with the start rule <c>root</c>; null when there are faults.</param>
/// <param name="Faults">Everything in the schema that cannot be enforced; empty when there is a grammar.</param>
public sealed record GrammarResult(string? Grammar, IReadOnlyList<GrammarFault> Faults);

/// <summary>One construct that cannot be enforced.</summary>
/// <param name="Pointer">JSON pointer into the schema, empty for its root.</param>
/// <param name="Message">What is wrong, with the value seen and the way out.</param>
public sealed record GrammarFault(string Pointer, string Message);
