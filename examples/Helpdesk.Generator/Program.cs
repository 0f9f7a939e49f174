using System.Globalization;
using Helpdesk.Generator.Handbook;
using Helpdesk.Generator.Text;
using Helpdesk.Generator.Tickets;

// Usage: Helpdesk.Generator FOLDER [--seed N] [--probe]
//   FOLDER   where the example is written, usually examples/helpdesk
//   --probe  writes nothing; measures how hard the tickets are
CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args.Length == 0)
{
    Console.Error.WriteLine("usage: Helpdesk.Generator FOLDER [--seed N] [--probe]");
    return 2;
}

var seedAt = Array.IndexOf(args, "--seed");
var seed = seedAt < 0 ? 20250106UL : ulong.Parse(args[seedAt + 1], CultureInfo.InvariantCulture);
var dice = new Dice(seed);
var tickets = TicketSet.Build(dice);
if (args.Contains("--probe", StringComparer.Ordinal))
{
    Probe.Run(tickets, Console.Out);
    return 0;
}

HandbookFiles.Write(args[0], dice);
TicketFiles.Write(args[0], seed, tickets, TicketSet.BuildLater(dice));
return 0;
