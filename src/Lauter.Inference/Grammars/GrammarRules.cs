using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Lauter.Inference.Grammars;

/// <summary>The rules of one grammar while it is built.</summary>
internal sealed class GrammarRules
{
    private readonly Dictionary<string, string> _bodies = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _byBody = new(StringComparer.Ordinal);
    private int _characters;
    private int _repetitions;
    private int _names;

    /// <summary>A rule with this body, shared with an equal one that is already there; returns its name.</summary>
    public string Rule(string body)
    {
        if (!_byBody.TryGetValue(body, out var name))
        {
            name = NewName();
            Define(name, body);
            _byBody.Add(body, name);
        }

        return name;
    }

    /// <summary>A name whose rule will be defined later: what recursion needs.</summary>
    public string NewName() => $"r{_names++}";

    public void Define(string name, string body)
    {
        _characters += name.Length + body.Length;
        if (_characters > GrammarBudget.Characters)
        {
            throw new GrammarBudgetException("", $"the schema is too large: its grammar has more than {GrammarBudget.Characters} characters");
        }

        _bodies[name] = body;
    }

    /// <summary><paramref name="item"/> from <paramref name="least"/> to <paramref name="most"/> times; null is without end.</summary>
    public string Repeat(string pointer, string item, int least, int? most)
    {
        _repetitions += most ?? least;
        if (_repetitions > GrammarBudget.Repetitions)
        {
            throw new GrammarBudgetException(pointer, $"the bounds of lengths add up to more than {GrammarBudget.Repetitions}; use smaller ones");
        }

        return (least, most) switch
        {
            (0, null) => $"{item}*",
            (1, null) => $"{item}+",
            (_, null) => $"{item}{{{least},}}",
            (0, 0) => "\"\"",
            _ when least == most => $"{item}{{{least}}}",
            _ => $"{item}{{{least},{most}}}",
        };
    }

    public string ToText(string root)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"root ::= {root}\n");
        foreach (var (name, body) in _bodies)
        {
            text.Append(CultureInfo.InvariantCulture, $"{name} ::= {body}\n");
        }

        return text.ToString();
    }

    /// <summary>A grammar literal of exactly this text.</summary>
    public static string Literal(string text)
    {
        var literal = new StringBuilder("\"");
        foreach (var character in text)
        {
            literal.Append(character switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                _ => character.ToString(),
            });
        }

        return literal.Append('"').ToString();
    }

    /// <summary>A grammar literal of a JSON string, escaped as our canonical JSON is.</summary>
    public static string JsonString(string value) => Literal(JsonSerializer.Serialize(value, Minimal));

    public static readonly JsonSerializerOptions Minimal = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
