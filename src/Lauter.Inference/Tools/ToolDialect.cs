namespace Lauter.Inference.Tools;

/// <summary>How a family of models writes tool calls.</summary>
/// <param name="Open">What comes before a call; empty when a call is the whole answer.</param>
/// <param name="Close">What comes behind it.</param>
/// <param name="Arguments">The member that holds the arguments.</param>
internal sealed record ToolDialect(string Open, string Close, string Arguments)
{
    /// <summary>Hermes, Qwen 2.5 and 3, and what we ask of models that were trained for no tools.</summary>
    public static readonly ToolDialect Hermes = new("<tool_call>\n", "\n</tool_call>", "arguments");

    /// <summary>Llama 3.1 to 3.3: the answer is one JSON object.</summary>
    public static readonly ToolDialect Llama3 = new("", "", "parameters");

    /// <summary>The mark that begins a call, without the space around it; empty for none.</summary>
    public string Mark => Open.Trim();

    /// <summary>The dialect that a chat template teaches. Templates say it in the text that they add for tools.</summary>
    public static ToolDialect Of(string template) =>
        template.Contains("<tool_call>", StringComparison.Ordinal) ? Hermes
        : template.Contains("ipython", StringComparison.Ordinal) || template.Contains("<|python_tag|>", StringComparison.Ordinal) ? Llama3
        : Hermes;
}
