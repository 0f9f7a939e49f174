using System.Text;
using System.Text.Json;

namespace Lauter.Tests.Example;

/// <summary>The tickets keep what their truth file and the schemas say.</summary>
public sealed class TicketTests
{
    private static readonly List<Ticket> Tickets = ExampleFolder.Tickets("tickets.jsonl");
    private static readonly List<Ticket> Later = ExampleFolder.Tickets("later/tickets.jsonl");
    private static readonly JsonElement Truth = ExampleFolder.Json("truth/tickets.json");
    private static readonly Dictionary<string, Ticket> ById = Tickets.ToDictionary(t => t.Id, StringComparer.Ordinal);

    [Fact]
    public void Tickets_Counts_AreThoseOfTheExample()
    {
        Assert.Equal(3000, Tickets.Count);
        Assert.Equal(500, Later.Count);
        Assert.Equal(Tickets.Count, ById.Count);
        Assert.InRange(Tickets.Count(t => t.Language == "en"), 1680, 1920);
        Assert.InRange(Tickets.Count(t => t.Reviewed), 1400, 1600);
        Assert.All(Later, t => Assert.True(t.Reviewed));
    }

    [Fact]
    public void Labels_AreTheOnesTheSchemaAllows()
    {
        var properties = ExampleFolder.Json("schemas/triage.json").GetProperty("properties");
        string[] Values(string name) => [.. properties.GetProperty(name).GetProperty("enum").EnumerateArray().Select(v => v.GetString()!).Order(StringComparer.Ordinal)];
        var all = Tickets.Concat(Later).ToList();

        Assert.Equal(24, Values("intent").Length);
        Assert.Equal(Values("intent"), all.Select(t => t.Intent).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(Values("product"), all.Select(t => t.Product).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(Values("urgency"), all.Select(t => t.Urgency).Distinct().Order(StringComparer.Ordinal));
        Assert.All(Tickets.CountBy(t => (t.Intent, t.Language)), c => Assert.True(c.Value >= 30, $"{c.Key} has only {c.Value} tickets."));
    }

    [Fact]
    public void Wordings_ForEachIntentAndLanguage_AreManyAndOfAllLengths()
    {
        Assert.All(Tickets.GroupBy(t => (t.Intent, t.Language)), g => Assert.True(g.Select(t => t.Text).Distinct().Count() >= 25, $"{g.Key} repeats itself."));
        Assert.Contains(Tickets, t => t.Text.Length < 40);
        Assert.Contains(Tickets, t => t.Text.Length > 350);
    }

    [Fact]
    public void WrongLabels_AreFourInAHundred_NeverReviewed()
    {
        var wrong = Truth.GetProperty("wrong_labels").EnumerateArray().ToList();
        Assert.Equal(Tickets.Count * 4 / 100, wrong.Count);
        Assert.All(wrong, w =>
        {
            Assert.False(ById[w.String("id")].Reviewed);
            Assert.Equal(ById[w.String("id")].Intent, w.String("given"));
            Assert.NotEqual(w.String("given"), w.String("correct"));
        });
    }

    [Fact]
    public void Duplicates_AreFiveInAHundred_WithTheirOriginalsLabel()
    {
        var correct = Truth.GetProperty("wrong_labels").EnumerateArray().ToDictionary(w => w.String("id"), w => w.String("correct"), StringComparer.Ordinal);
        string Intent(string id) => correct.GetValueOrDefault(id) ?? ById[id].Intent;
        var copies = Truth.GetProperty("duplicates").EnumerateArray().ToList();

        Assert.Equal(Tickets.Count * 5 / 100, copies.Count);
        Assert.All(copies, c =>
        {
            var (copy, original) = (ById[c.String("id")], ById[c.String("of")]);
            Assert.Equal(original.Reviewed, copy.Reviewed);
            Assert.Equal((Intent(original.Id), original.Product, original.Urgency), (Intent(copy.Id), copy.Product, copy.Urgency));
            Assert.Equal(c.String("kind") == "exact", original.Text == copy.Text);
            Assert.True(Similarity(original.Text, copy.Text) > 0.6, $"{copy.Id} is not like {original.Id}.");
        });
        var repeated = Tickets.CountBy(t => t.Text).Where(g => g.Value > 1).Sum(g => g.Value - 1);
        Assert.Equal(copies.Count(c => c.String("kind") == "exact"), repeated);
    }

    [Fact]
    public void Later_TwoFamilies_AreAFifthEach_OverManyIntents()
    {
        var later = Later.ToDictionary(t => t.Id, StringComparer.Ordinal);
        var families = Truth.GetProperty("later_families").EnumerateArray().ToLookup(f => f.String("family"), f => later[f.String("id")]);
        Assert.Equal(2, families.Count);
        Assert.All(families, f =>
        {
            Assert.Equal(100, f.Count());
            Assert.Equal(24, f.Select(t => t.Intent).Distinct().Count());
        });
    }

    [Fact]
    public void PersonalData_StandsInItsTicket_WithValidCheckDigits()
    {
        var planted = Truth.GetProperty("personal_data").EnumerateArray().ToList();
        Assert.Equal(["card", "id", "mail", "phone"], planted.Select(p => p.String("kind")).Distinct().Order(StringComparer.Ordinal));
        Assert.All(planted, p => Assert.Contains(p.String("value"), ById[p.String("id")].Text, StringComparison.Ordinal));
        Assert.All(planted.Where(p => p.String("kind") == "card"), p => Assert.True(PassesLuhn(p.String("value").Replace(" ", "", StringComparison.Ordinal)), p.String("value")));
        Assert.All(planted.Where(p => p.String("kind") == "id"), p => Assert.True(PassesIdentity(p.String("value")), p.String("value")));
    }

    [Fact]
    public void Product_IsNamedInTheText_OrNone()
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["BK-30"] = "bk[- ]?30", ["BK-50"] = "bk[- ]?50", ["Corvin F20"] = "f-?20", ["Corvin F60"] = "f-?60",
            ["Glint C4"] = "gl+i+n+t+|c4", ["Marl M2"] = "marl|m-?2", ["Tessel T3"] = "tessel|t-?3", ["Lumo H1"] = "lumo|h1",
        };
        var all = Tickets.Concat(Later).ToList();
        var right = all.Count(t =>
        {
            var text = t.Text.Normalize(NormalizationForm.FormKC).ToLowerInvariant();
            var found = names.Where(n => System.Text.RegularExpressions.Regex.IsMatch(text, $"(?<![a-z0-9])({n.Value})(?![0-9])")).Select(n => n.Key).ToList();
            return found.Count == 0 ? t.Product == "none" : found.Contains(t.Product);
        });

        // A typing error may hit a name now and then.
        Assert.InRange(all.Count - right, 0, 7);
    }

    private static double Similarity(string a, string b)
    {
        static HashSet<string> Pairs(string text)
        {
            var folded = string.Concat(text.ToLowerInvariant().Normalize(NormalizationForm.FormKC).Where(c => !char.IsWhiteSpace(c)));
            return [.. Enumerable.Range(0, folded.Length - 1).Select(i => folded.Substring(i, 2))];
        }

        var (left, right) = (Pairs(a), Pairs(b));
        return (double)left.Intersect(right).Count() / left.Union(right).Count();
    }

    private static bool PassesLuhn(string digits) => digits.Length == 16 && digits.Reverse().Select((c, i) =>
    {
        var d = (c - '0') * (1 + (i % 2));
        return d > 9 ? d - 9 : d;
    }).Sum() % 10 == 0;

    // GB 11643: the sum of digit times 2^(17-i) over all 18 places, X for ten, leaves 1 modulo 11.
    private static bool PassesIdentity(string id) => id.Length == 18 && id.Select((c, i) => (c == 'X' ? 10 : c - '0') * (1 << (17 - i))).Sum() % 11 == 1;
}
