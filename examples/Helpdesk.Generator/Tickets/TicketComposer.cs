using System.Text;
using Helpdesk.Generator.Text;

namespace Helpdesk.Generator.Tickets;

/// <summary>
/// Composes tickets out of interchangeable clauses:
/// <code>greeting · opener · context · settled matter of another intent · link · REQUEST · product · urgency · closing · signature</code>
/// Only REQUEST carries the intent. The settled matters and the long shared clauses make the nearest example a poor guide.
/// </summary>
internal sealed class TicketComposer(Dice dice)
{
    public const int LongestInWords = 80;

    private static readonly string[] MixedTerms =
        ["泵=pump", "订单=order", "退款=refund", "固件=firmware", "发票=invoice", "密码=password", "阀门=valve", "配方=recipe", "温度=temperature", "保修=warranty"];

    private readonly Vocabulary _english = Vocabulary.Load("tickets.en.txt");
    private readonly Vocabulary _chinese = Vocabulary.Load("tickets.zh.txt");
    private readonly Vocabulary _sharedEnglish = Vocabulary.Load("shared.en.txt");
    private readonly Vocabulary _sharedChinese = Vocabulary.Load("shared.zh.txt");

    public IReadOnlyList<string> Intents => [.. _english.Sections.Select(s => s.Name)];

    /// <summary>A ticket in one of the ways of asking known from the start.</summary>
    public Ticket Plain(string intent, string language)
    {
        while (true)
        {
            var ticket = Compose(intent, language);
            if (WordCount(ticket.Text) is >= 5 and <= LongestInWords)
            {
                return ticket;
            }
        }
    }

    /// <summary>The request as a voice assistant wrote it down: no punctuation, spoken marks, other words for everything.</summary>
    public Ticket Dictated(string intent, string language)
    {
        var shared = Shared(language);
        var product = ChooseProduct(intent);
        var parts = new List<string> { dice.Pick(shared.Clauses("dictated.open")), Fill(dice.Pick(Of(language)[intent]['?']), language, product) };
        if (product != Products.None)
        {
            parts.Add(Vocabulary.Expand(dice.Pick(shared.Clauses("dictated.product")), dice, Holes(language, ProductName(product, language))));
        }

        parts.Add(dice.Pick(shared.Clauses("dictated.close")));
        var text = string.Join(' ', parts);
        return new Ticket(language, language == "zh" ? text : text.ToLowerInvariant(), intent, product, "normal") { Family = "dictated" };
    }

    /// <summary>The request as part numbers, error codes and order numbers only.</summary>
    public Ticket Terse(string intent)
    {
        var product = ChooseProduct(intent);
        var code = Fill(dice.Pick(_english[intent]['!']), "en", product);
        var name = product == Products.None ? "" : dice.Pick(Products.Names[product]).ToUpperInvariant();
        var tail = dice.Pick<string>(["", "", " pls", " thx", " 2x", " ???"]);
        var text = dice.Chance(0.5) ? $"{code} {name}{tail}" : $"{name} {code}{tail}";
        return new Ticket("en", text.Replace("  ", " ", StringComparison.Ordinal).Trim(), intent, product, "normal") { Family = "terse" };
    }

    private Ticket Compose(string intent, string language)
    {
        var shared = Shared(language);
        var planted = new List<Planted>();
        var product = ChooseProduct(intent);
        var mixed = dice.Chance(0.06);
        var other = Shared(language == "zh" ? "en" : "zh");

        // 1. The request itself, once or said again in different words.
        var request = dice.Pick(Of(language)[intent]['+']);
        var sentences = new List<string> { Sentence(Fill(request, language, product), language) };
        var again = dice.Chance(TicketMix.SaidTwice) ? dice.Chance(TicketMix.SaidThrice) ? 2 : 1 : 0;
        foreach (var clause in dice.Shuffle(Of(language)[intent]['+'].Where(c => c != request)).Take(again))
        {
            sentences.Add(Sentence(Fill(clause, language, product), language));
        }

        if (product != Products.None && !sentences.Exists(s => Products.Mentioned(s, product)))
        {
            if (dice.Chance(0.55))
            {
                sentences.Add(Vocabulary.Expand(dice.Pick(shared.Clauses("product.aside")), dice, Holes(language, ProductName(product, language))));
            }
            else
            {
                product = Products.None;
            }
        }

        // 2. What stands before it. A short ticket has nothing of this.
        var bare = dice.Chance(0.14);
        var before = new List<string>();
        var urgency = dice.Below(10) switch { 0 or 1 => "low", 2 or 3 => "high", _ => "normal" };
        if (!bare)
        {
            AddIf(before, TicketMix.Opener, () => dice.Pick(shared.Clauses("opener")));
            AddIf(before, TicketMix.Context, () => dice.Pick((mixed && dice.Chance(0.4) ? other : shared).Clauses("context")));
            if (dice.Chance(TicketMix.SettledMatter))
            {
                before.Add(Sentence(Settled(intent, language), language));
                if (dice.Chance(TicketMix.SecondSettledMatter))
                {
                    before.Add(Sentence(Settled(intent, language), language));
                }

                AddIf(before, 0.5, () => dice.Pick(shared.Clauses("link")));
            }
        }

        // 3. Now and then the settled matter comes last. A link would then point at nothing, so it goes.
        if (before.Count > 0 && dice.Chance(0.22) && !shared.Clauses("link").Contains(before[^1]))
        {
            sentences.AddRange(before);
            before.Clear();
        }

        if (urgency != "normal")
        {
            var afterLink = before.Count > 0 && shared.Clauses("link").Contains(before[^1]);
            sentences.Insert(afterLink || dice.Chance(0.7) ? sentences.Count : 0, dice.Pick(shared.Clauses(urgency)));
        }

        var lines = new List<string> { string.Join(language == "zh" ? "" : " ", before.Concat(sentences).Select(s => Vocabulary.Expand(s, dice, Empty))) };
        if (!bare)
        {
            Wrap(lines, language, mixed ? other : shared, planted);
        }

        // 4. The hand that typed it.
        var text = lines[0];
        if (mixed && language == "zh")
        {
            text = MixIn(text);
        }

        text = Mistype(text, language);
        lines[0] = text;
        return new Ticket(language, string.Join('\n', lines).Trim(), intent, product, urgency) { Planted = planted, Mixed = mixed };
    }

    private void Wrap(List<string> lines, string language, Vocabulary shared, List<Planted> planted)
    {
        var own = Shared(language);
        var gap = language == "zh" ? "" : " ";
        var people = new PersonalData(_sharedEnglish, _sharedChinese, dice);
        if (dice.Chance(0.6))
        {
            lines[0] = dice.Pick(shared.Clauses("greeting")) + gap + lines[0];
        }

        if (dice.Chance(0.55))
        {
            lines[0] += gap + dice.Pick(shared.Clauses("closing"));
        }

        if (dice.Chance(0.5))
        {
            lines.Add(people.Fill(dice.Pick(own.Clauses(dice.Chance(0.45) ? "signature" : "signoff")), language, planted));
        }

        if (dice.Chance(0.14))
        {
            lines.Add(dice.Pick(own.Clauses("boiler")));
        }

        if (dice.Chance(0.06))
        {
            lines.Add(dice.Pick(own.Clauses("quote")).Replace("{date}", Date(language), StringComparison.Ordinal));
        }
    }

    private string Mistype(string text, string language)
    {
        if (dice.Chance(TicketMix.Mistyped))
        {
            text = language == "zh" ? TypingErrors.Chinese(text, 1 + dice.Below(3), dice) : TypingErrors.English(text, 1 + dice.Below(3), dice);
        }

        if (language == "zh")
        {
            return dice.Chance(0.06) ? Copies.Widen(text) : text;
        }

        return dice.Below(100) switch
        {
            < 8 => text.ToLowerInvariant(),
            < 9 => text.ToUpperInvariant(),
            < 13 => text.Replace(",", "", StringComparison.Ordinal).Replace(".", "", StringComparison.Ordinal),
            _ => text,
        };
    }

    private string Settled(string intent, string language)
    {
        var others = Of(language).Sections.Where(s => s.Name != intent).ToList();
        return Fill(dice.Pick(dice.Pick(others)['-']), language, Products.None);
    }

    private string Sentence(string clause, string language)
    {
        if (language == "zh")
        {
            return clause.EndsWith('？') ? clause : clause + dice.Pick<string>(["。", "。", "！"]);
        }

        clause = char.ToUpperInvariant(clause[0]) + clause[1..];
        return clause.EndsWith('?') ? clause : clause + dice.Pick<string>([".", ".", ".", "!"]);
    }

    private string Fill(string clause, string language, string product)
    {
        var shared = Shared(language);
        var mention = product == Products.None
            ? dice.Pick(shared.Clauses("product.none"))
            : dice.Pick(shared.Clauses("product.named")).Replace("{p}", ProductName(product, language), StringComparison.Ordinal);
        return Vocabulary.Expand(clause, dice, Holes(language, mention));
    }

    private Dictionary<string, string> Holes(string language, string product) => new(StringComparer.Ordinal)
    {
        ["p"] = product,
        ["q"] = product,
        ["order"] = dice.Chance(0.5) ? $"SH-{10000 + dice.Below(90000)}" : $"{100000 + dice.Below(900000)}",
        ["invoice"] = $"R{2024 + dice.Below(2)}-{1000 + dice.Below(9000)}",
        ["serial"] = $"SN{dice.Below(900000) + 100000}",
        ["date"] = Date(language),
        ["n"] = (2 + dice.Below(8)).ToString(),
    };

    private string Date(string language)
    {
        var (month, day) = (1 + dice.Below(12), 1 + dice.Below(28));
        return language == "zh" ? $"{month}月{day}日" : new DateOnly(2025, month, day).ToString(dice.Pick<string>(["d MMMM", "MMMM d", "d/M"]));
    }

    private string ChooseProduct(string intent)
    {
        var products = _english[intent].Products;
        return dice.Chance(0.2) ? Products.None : dice.Pick(products);
    }

    private string ProductName(string product, string language) => dice.Pick((language == "zh" ? Products.ChineseNames : Products.Names)[product]);

    private string MixIn(string text)
    {
        foreach (var pair in MixedTerms)
        {
            var at = pair.IndexOf('=', StringComparison.Ordinal);
            if (dice.Chance(0.6))
            {
                text = text.Replace(pair[..at], " " + pair[(at + 1)..] + " ", StringComparison.Ordinal);
            }
        }

        return text;
    }

    private void AddIf(List<string> list, double chance, Func<string> clause)
    {
        if (dice.Chance(chance))
        {
            list.Add(clause());
        }
    }

    private Vocabulary Of(string language) => language == "zh" ? _chinese : _english;

    private Vocabulary Shared(string language) => language == "zh" ? _sharedChinese : _sharedEnglish;

    private static readonly Dictionary<string, string> Empty = [];

    /// <summary>Words; in Chinese text two characters count as one word.</summary>
    public static int WordCount(string text)
    {
        var han = text.Count(c => c is >= '一' and <= '鿿');
        var rest = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            rest.Append(c is >= '一' and <= '鿿' or '，' or '。' ? ' ' : c);
        }

        return (han / 2) + rest.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
    }
}
