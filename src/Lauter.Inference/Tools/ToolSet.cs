using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Lauter.Inference.Wire;

namespace Lauter.Inference.Tools;

/// <summary>What the caller wants done with its tools.</summary>
internal enum ToolChoice
{
    /// <summary>The model decides.</summary>
    Auto,

    /// <summary>No tool may be called.</summary>
    None,

    /// <summary>At least one of the tools must be called.</summary>
    Required,
}

/// <summary>One function that the model may call.</summary>
internal sealed record Tool(string Name, JsonElement Parameters, bool Strict);

/// <summary>The tools of one request.</summary>
/// <param name="Tools">Those that may be called; with a named choice only that one.</param>
/// <param name="Choice">What is wanted.</param>
/// <param name="Parallel">Whether one answer may call several.</param>
/// <param name="Described">All tools as the caller described them: what the template shows to the model.</param>
internal sealed partial record ToolSet(IReadOnlyList<Tool> Tools, ToolChoice Choice, bool Parallel, JsonArray Described)
{
    public const int Most = 128;

    private static readonly JsonElement NoParameters = JsonDocument.Parse("""{"type":"object","properties":{},"additionalProperties":false}""").RootElement.Clone();

    /// <summary>Reads <c>tools</c>, <c>tool_choice</c> and <c>parallel_tool_calls</c>; null when no tool can be called.</summary>
    public static ToolSet? Read(WireReader body)
    {
        if (body.Member("tools") is not { } list)
        {
            return body.Member("tool_choice") is { } choice && choice.ToString() is not ("none" or "auto")
                ? throw WireException.Invalid("tool_choice", "'tool_choice' asks for a tool, but there are no 'tools'.")
                : null;
        }

        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > Most)
        {
            throw WireException.Invalid("tools", $"'tools' must be an array of at most {Most} tools.");
        }

        var tools = list.EnumerateArray().Select((item, index) => ReadTool(new WireReader(item, $"tools[{index}]."), $"tools[{index}]")).ToList();
        if (tools.Count == 0)
        {
            return null;
        }

        if (tools.DistinctBy(tool => tool.Name).Count() < tools.Count)
        {
            throw WireException.Invalid("tools", "Two of the 'tools' have the same name.");
        }

        var (wanted, name) = ReadChoice(body, tools);
        var callable = name is null ? tools : tools.FindAll(tool => tool.Name == name);
        return wanted == ToolChoice.None ? null : new ToolSet(callable, wanted, body.Member("parallel_tool_calls") is null || body.Flag("parallel_tool_calls"), JsonArray.Create(list)!);
    }

    private static Tool ReadTool(WireReader tool, string name)
    {
        if (tool.Text("type", 64) is not "function")
        {
            throw WireException.Invalid($"{name}.type", "Only tools of type 'function' are supported.", "unsupported_value");
        }

        var function = tool.Object("function") ?? throw WireException.Invalid($"{name}.function", $"'{name}.function' is missing.", "missing_required_parameter");
        var called = function.Text("name", 64) ?? "";
        return Names().IsMatch(called)
            ? new Tool(called, function.Member("parameters") ?? NoParameters, function.Flag("strict"))
            : throw WireException.Invalid($"{name}.function.name", $"'{name}.function.name' must be 1 to 64 letters, digits, '_' or '-'.");
    }

    private static (ToolChoice Choice, string? Name) ReadChoice(WireReader body, List<Tool> tools)
    {
        if (body.Member("tool_choice") is not { } choice)
        {
            return (ToolChoice.Auto, null);
        }

        if (choice.ValueKind == JsonValueKind.String)
        {
            return choice.GetString() switch
            {
                "auto" => (ToolChoice.Auto, null),
                "none" => (ToolChoice.None, null),
                "required" => (ToolChoice.Required, null),
                var other => throw WireException.Invalid("tool_choice", $"'tool_choice' is '{other}'; it must be none, auto, required or a function."),
            };
        }

        var name = new WireReader(choice, "tool_choice.").Object("function")?.Text("name", 64);
        return tools.Exists(tool => tool.Name == name)
            ? (ToolChoice.Required, name)
            : throw WireException.Invalid("tool_choice", $"'tool_choice' names the function '{name}', which is not among the 'tools'.");
    }

    [GeneratedRegex("^[a-zA-Z0-9_-]{1,64}$", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Names();
}
