namespace Helpdesk.Generator.Tickets;

/// <summary>The proportions of the ticket set.</summary>
internal static class TicketMix
{
    public const int Count = 3000;
    public const int Copies = 150;
    public const int WrongLabels = 120;
    public const int Later = 500;
    public const int LaterDictated = 100;
    public const int LaterTerse = 100;
    public const double English = 0.6;

    // How much of a ticket speaks of other things. Chosen so that the nearest labelled example reaches 0.80 to 0.90
    // while a learned model can still pass 0.95; `--probe` measures the nearest example and a linear model.

    /// <summary>Share of tickets that mention a settled matter of another intent, and of those the share with a second one.</summary>
    public const double SettledMatter = 0.13;
    public const double SecondSettledMatter = 0.1;

    /// <summary>Share of tickets that state the request again in different words, and of those the share that does so twice.</summary>
    public const double SaidTwice = 0.95;
    public const double SaidThrice = 0.35;

    public const double Opener = 0.17;
    public const double Context = 0.2;

    /// <summary>Share of tickets with one to three typing errors.</summary>
    public const double Mistyped = 0.22;
}
