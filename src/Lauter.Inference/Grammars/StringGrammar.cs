namespace Lauter.Inference.Grammars;

/// <summary>Grammar bodies for JSON strings.</summary>
internal static class StringGrammar
{
    /// <summary>
    /// One character of a string: unescaped, or one of JSON's short escapes. <c>\u</c> escapes are left out: two of them can be one
    /// character or none, so lengths could not be counted, and nothing needs them.
    /// </summary>
    public const string Character = """[^"\\\x00-\x1F\x7F] | "\\" ["\\/bfnrt]""";

    /// <summary>The year 0000 is a year of ISO 8601 and of RFC 3339, but not of the calendars that programs read dates with.</summary>
    private const string Year = """("000" [1-9] | "00" [1-9] [0-9] | "0" [1-9] [0-9]{2} | [1-9] [0-9]{3})""";

    private const string Date =
        Year + """ "-" ( ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | "1" [0-9] | "2" [0-8]) | ("0" [13-9] | "1" [0-2]) "-" ("29" | "30") | ("0" [13578] | "1" [02]) "-31" )""";

    private const string Time = """([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,6})? ("Z" | [+-] ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9])""";

    private const string Uuid = "[0-9a-f]{8} \"-\" [0-9a-f]{4} \"-\" [0-9a-f]{4} \"-\" [0-9a-f]{4} \"-\" [0-9a-f]{12}";

    /// <summary>The body between the quotes for a format that is enforced, or null.</summary>
    public static string? Format(string name) => name switch
    {
        "date" => Date,
        "time" => Time,
        "date-time" => $"({Date}) \"T\" {Time}",
        "uuid" => Uuid,
        _ => null,
    };

    /// <summary>
    /// A rule for the unescaped strings (closing quote included) that are none of <paramref name="taken"/>: the keys which additional
    /// properties may have without standing in for a named one.
    /// </summary>
    public static string Except(GrammarRules rules, IReadOnlyList<string> taken)
    {
        const string Any = """[^"\\\x00-\x1F\x7F]""";
        // A key that needs escapes cannot be written here anyway.
        var sorted = taken.Where(key => key.All(character => character is not ('"' or '\\' or '\x7F' or < ' ') && !char.IsSurrogate(character)))
            .Order(StringComparer.Ordinal).ToArray();
        return Node(0, sorted);

        string Node(int depth, IReadOnlyList<string> keys)
        {
            var isTaken = keys.Any(key => key.Length == depth);
            var groups = keys.Where(key => key.Length > depth).GroupBy(key => key[depth]).ToArray();
            var parts = new List<string>();
            if (!isTaken)
            {
                parts.Add("\"\\\"\"");
            }

            foreach (var group in groups)
            {
                parts.Add($"{GrammarRules.Literal(group.Key.ToString())} {Node(depth + 1, [.. group])}");
            }

            var excluded = string.Concat(groups.Select(group => $"\\u{(int)group.Key:X4}"));
            parts.Add($"""[^"\\\x00-\x1F\x7F{excluded}] {rules.Rule(Any)}* "\"" """.TrimEnd());
            return rules.Rule(string.Join(" | ", parts));
        }
    }
}
