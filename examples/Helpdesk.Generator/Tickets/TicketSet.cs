using Helpdesk.Generator.Text;

namespace Helpdesk.Generator.Tickets;

/// <summary>A ticket with its line and, where the label given is wrong, the line's correct intent in the ticket.</summary>
internal sealed record Filed(Ticket Ticket, TicketRow Row);

/// <summary>Builds the 3,000 tickets and the 500 later ones: balance, copies, wrong labels, times and ids.</summary>
internal static class TicketSet
{
    private static readonly DateTimeOffset Start = new(2025, 1, 6, 7, 0, 0, TimeSpan.Zero);

    public static List<Filed> Build(Dice root)
    {
        var dice = root.Fork("tickets");
        var composer = new TicketComposer(root.Fork("composer"));
        var intents = composer.Intents;
        var distinct = new DistinctTexts();
        var tickets = new List<Ticket>();

        // 1. Originals: intents in turn, so that each has the same share in both languages.
        while (tickets.Count < TicketMix.Count - TicketMix.Copies)
        {
            var ticket = composer.Plain(intents[tickets.Count % intents.Count], dice.Chance(TicketMix.English) ? "en" : "zh");
            if (distinct.Add(ticket.Text))
            {
                tickets.Add(ticket with { Reviewed = dice.Chance(0.5), Received = Start.AddMinutes(dice.Below(300 * 24 * 60)) });
            }
        }

        // 2. Copies keep label and review of their original.
        var originals = dice.Shuffle(tickets).Take(TicketMix.Copies).ToList();
        tickets.AddRange(originals.Select(o => Copies.Of(o, dice)));

        // 3. Wrong labels, only where nobody looked again.
        var wrong = dice.Shuffle(tickets.Where(t => !t.Reviewed)).Take(TicketMix.WrongLabels).ToHashSet(ReferenceEqualityComparer.Instance);
        return [.. tickets.OrderBy(t => t.Received).Select((ticket, index) => new Filed(ticket, new TicketRow(
            $"T-{index + 1:D6}", Time(ticket.Received), ticket.Language, ticket.Reviewed, ticket.Text,
            wrong.Contains(ticket) ? dice.Pick([.. intents.Where(i => i != ticket.Intent)]) : ticket.Intent,
            ticket.Product, ticket.Urgency)))];
    }

    public static List<Filed> BuildLater(Dice root)
    {
        var dice = root.Fork("later");
        var composer = new TicketComposer(root.Fork("later composer"));
        var distinct = new DistinctTexts();
        var start = Start.AddDays(305);
        var tickets = new List<Ticket>();
        while (tickets.Count < TicketMix.Later)
        {
            var n = tickets.Count;
            var intent = composer.Intents[n % composer.Intents.Count];
            var language = dice.Chance(TicketMix.English) ? "en" : "zh";
            var ticket = n < TicketMix.LaterDictated ? composer.Dictated(intent, language)
                : n < TicketMix.LaterDictated + TicketMix.LaterTerse ? composer.Terse(intent)
                : composer.Plain(intent, language);
            if (distinct.Add(ticket.Text))
            {
                tickets.Add(ticket with { Reviewed = true, Received = start.AddMinutes(dice.Below(30 * 24 * 60)) });
            }
        }

        return [.. tickets.OrderBy(t => t.Received).Select((t, index) => new Filed(t, new TicketRow(
            $"L-{index + 1:D6}", Time(t.Received), t.Language, t.Reviewed, t.Text, t.Intent, t.Product, t.Urgency)))];
    }

    private static string Time(DateTimeOffset time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'");
}
