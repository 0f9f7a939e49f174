using System.Text;

namespace Helpdesk.Generator.Text;

/// <summary>One section of a vocabulary file: the clauses by their mark ('+', '-', '?' or '!').</summary>
internal sealed class Section(string name, IReadOnlyList<string> products)
{
    private readonly Dictionary<char, List<string>> _clauses = [];

    public string Name => name;

    public IReadOnlyList<string> Products => products;

    public IReadOnlyList<string> this[char mark] => _clauses.GetValueOrDefault(mark) ?? [];

    public void Add(char mark, string clause)
    {
        if (!_clauses.TryGetValue(mark, out var list))
        {
            _clauses[mark] = list = [];
        }

        list.Add(clause);
    }

    public void Continue(char mark, string line) => _clauses[mark][^1] += "\n" + line;
}

/// <summary>Clauses of one language, read from an embedded text file; the files' first lines explain their layout.</summary>
internal sealed class Vocabulary
{
    private readonly Dictionary<string, Section> _sections = new(StringComparer.Ordinal);

    public IReadOnlyList<Section> Sections { get; }

    private Vocabulary(List<Section> sections)
    {
        Sections = sections;
        foreach (var section in sections)
        {
            _sections.Add(section.Name, section);
        }
    }

    public Section this[string name] => _sections[name];

    public IReadOnlyList<string> Clauses(string name) => _sections[name]['+'];

    public static Vocabulary Load(string resource)
    {
        using var stream = typeof(Vocabulary).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"The embedded vocabulary {resource} is missing.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var sections = new List<Section>();
        var mark = '+';
        while (reader.ReadLine() is { } line)
        {
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            if (line.StartsWith("== ", StringComparison.Ordinal))
            {
                var parts = line[3..].Split('|', 2, StringSplitOptions.TrimEntries);
                sections.Add(new Section(parts[0], parts.Length == 1 ? [] : parts[1].Split(',', StringSplitOptions.TrimEntries)));
            }
            else if (line.Length > 2 && line[1] == ' ' && "+-?!".Contains(line[0]))
            {
                mark = line[0];
                sections[^1].Add(mark, line[2..]);
            }
            else
            {
                sections[^1].Continue(mark, line);
            }
        }

        return new Vocabulary(sections);
    }

    /// <summary>Fills the named holes first, then takes one of each {a|b|c}.</summary>
    public static string Expand(string clause, Dice dice, IReadOnlyDictionary<string, string> holes)
    {
        foreach (var (name, value) in holes)
        {
            clause = clause.Replace("{" + name + "}", value, StringComparison.Ordinal);
        }

        var text = new StringBuilder();
        for (var i = 0; i < clause.Length; i++)
        {
            if (clause[i] != '{')
            {
                text.Append(clause[i]);
                continue;
            }

            var end = clause.IndexOf('}', i);
            text.Append(dice.Pick(clause[(i + 1)..end].Split('|')));
            i = end;
        }

        return text.ToString();
    }
}
