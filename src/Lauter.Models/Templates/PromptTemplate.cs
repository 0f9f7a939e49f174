using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Models.Templates.Jinja;

namespace Lauter.Models.Templates;

/// <summary>
/// The prompt of an application: Jinja over the fields of a JSON object. A field that is missing is an error with its place and the nearest name; test with
/// <c>is defined</c> or <c>default(…)</c> where it may be. Thread-safe.
/// </summary>
public sealed class PromptTemplate
{
    private readonly IReadOnlyList<Node> _body;

    private PromptTemplate(string source, IReadOnlyList<Node> body)
    {
        Source = source;
        _body = body;
    }

    /// <summary>The template's text.</summary>
    public string Source { get; }

    /// <summary>Parses a template.</summary>
    /// <exception cref="TemplateException">The text is no template; with line and column.</exception>
    public static PromptTemplate Parse(string j2)
    {
        ArgumentNullException.ThrowIfNull(j2);
        return new PromptTemplate(j2, Parser.Parse(j2).Body);
    }

    /// <summary>Fills in the fields.</summary>
    /// <param name="fields">One variable of the template for each member.</param>
    /// <exception cref="TemplateException">A field is missing or of a kind that the template cannot use; with line and column.</exception>
    public string Render(JsonObject fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        var globals = new Scope(null);
        foreach (var (name, value) in Globals.Create(TimeProvider.System))
        {
            globals[name] = value;
        }

        using var json = JsonDocument.Parse(fields.ToJsonString());
        foreach (var member in json.RootElement.EnumerateObject())
        {
            globals[member.Name] = JsonText.Read(member.Value, Mark.Data);
        }

        return new Interpreter(new RenderLimits(), strict: true).Render(_body, globals).Value;
    }
}
