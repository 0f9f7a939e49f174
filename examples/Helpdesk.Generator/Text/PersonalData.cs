namespace Helpdesk.Generator.Text;

/// <summary>One planted piece of personal data: its kind and the exact characters in the text.</summary>
internal sealed record Planted(string Kind, string Value);

/// <summary>
/// Invents people who cannot exist: mail addresses under example domains, telephone numbers from ranges kept for fiction
/// or not handed out, card numbers from payment providers' test range, identity numbers with county codes never assigned.
/// </summary>
internal sealed class PersonalData(Vocabulary english, Vocabulary chinese, Dice dice)
{
    private static readonly string[] UnassignedCounties = ["110099", "310099", "440099", "510099", "330099"];

    public string Name(string language) => language == "zh"
        ? dice.Pick(chinese.Clauses("family")) + dice.Pick(chinese.Clauses("given"))
        : dice.Pick(english.Clauses("given")) + " " + dice.Pick(english.Clauses("family"));

    public string City(string language) => dice.Pick((language == "zh" ? chinese : english).Clauses("city"));

    public string Phone(string language) => language == "zh"
        ? $"1540000{dice.Below(10_000):D4}"
        : dice.Chance(0.5) ? $"+44 7700 900{dice.Below(1000):D3}" : $"+1 202-555-01{dice.Below(100):D2}";

    public string Mail(string language)
    {
        var user = dice.Pick(english.Clauses("given")) + "." + dice.Pick(english.Clauses("family"));
        return $"{user.ToLowerInvariant()}{dice.Below(90) + 10}@example.{(language == "zh" ? "com" : dice.Pick<string>(["org", "net"]))}";
    }

    public string Card()
    {
        var digits = $"400000000000{dice.Below(1000):D3}";
        digits += CheckDigits.Luhn(digits);
        return dice.Chance(0.5) ? digits : string.Join(' ', Enumerable.Range(0, 4).Select(i => digits.Substring(i * 4, 4)));
    }

    public string Identity()
    {
        var digits = $"{dice.Pick(UnassignedCounties)}{1950 + dice.Below(55)}{1 + dice.Below(12):D2}{1 + dice.Below(28):D2}{dice.Below(1000):D3}";
        return digits + CheckDigits.Identity(digits);
    }

    /// <summary>Fills {name}, {city}, {phone}, {mail}, {card} and {id} and reports what was planted (names and cities are not counted).</summary>
    public string Fill(string clause, string language, List<Planted> planted)
    {
        clause = clause.Replace("{name}", Name(language), StringComparison.Ordinal).Replace("{city}", City(language), StringComparison.Ordinal);
        clause = Plant(clause, "phone", () => Phone(language), planted);
        clause = Plant(clause, "mail", () => Mail(language), planted);
        clause = Plant(clause, "card", Card, planted);
        return Plant(clause, "id", Identity, planted);
    }

    private static string Plant(string clause, string kind, Func<string> invent, List<Planted> planted)
    {
        var hole = "{" + kind + "}";
        if (!clause.Contains(hole, StringComparison.Ordinal))
        {
            return clause;
        }

        var value = invent();
        planted.Add(new Planted(kind, value));
        return clause.Replace(hole, value, StringComparison.Ordinal);
    }
}
