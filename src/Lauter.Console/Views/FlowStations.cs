using Lauter.Console.Texts;

namespace Lauter.Console.Views;

/// <summary>How far a part of the flow is.</summary>
internal enum StationState
{
    Empty,
    Running,
    Good,
    Bad,
    Open,
}

/// <summary>One stop of the strip at the top: its state and its one number.</summary>
internal sealed record FlowStation(FlowPart Part, StationState State, string Headline, double? Fraction)
{
    /// <summary>Name of the part in keys, anchors and style classes.</summary>
    public string Name => NameOf(Part);

    public static string NameOf(FlowPart part) => part.ToString().ToLowerInvariant();
}

/// <summary>Sums each part of a snapshot up in one number.</summary>
internal static class FlowStations
{
    public static IReadOnlyList<FlowStation> Of(ConsoleSnapshot snapshot, ConsoleTexts texts)
    {
        var numbers = new Numbers(texts);
        return [.. Enum.GetValues<FlowPart>().Select(part =>
        {
            var activity = snapshot.Activities.FirstOrDefault(a => a.Part == part);
            var (state, headline) = Summary(part, snapshot, texts, numbers);
            return new FlowStation(part, activity is null ? state : StationState.Running, headline ?? texts["not_yet"], activity?.Fraction);
        })];
    }

    private static (StationState State, string? Headline) Summary(FlowPart part, ConsoleSnapshot s, ConsoleTexts texts, Numbers numbers) => part switch
    {
        FlowPart.Data when s.Data is { Datasets.Count: > 0 } data =>
            (StationState.Good, texts.With("data.kept_share", numbers.Count(data.Datasets.Sum(d => d.Kept)), numbers.Count(data.Datasets.Sum(d => d.Read)))),
        FlowPart.Index when s.Index is { Indexes.Count: > 0 } index =>
            (StationState.Good, numbers.Count(index.Indexes.Sum(i => i.Chunks)) + " " + texts["index.chunks"].ToLowerInvariant()),
        FlowPart.Training when s.Training is { } training => (
            training.State switch { TrainingState.Done => StationState.Good, TrainingState.Failed => StationState.Bad, TrainingState.Stopped => StationState.Open, _ => StationState.Running },
            LastLoss(training) is { } loss ? texts["training.loss"] + " " + numbers.Loss(loss) : texts["training.state." + training.State.ToString().ToLowerInvariant()]),
        FlowPart.Scorecard when s.Scorecard is { Candidates.Count: > 0 } card => (StationState.Good, Headline(card, texts, numbers)),
        FlowPart.Gate when s.Gate is { } gate => (
            gate.Outcome switch { GateOutcome.Pass => StationState.Good, GateOutcome.Fail => StationState.Bad, _ => StationState.Open },
            texts[GatePicture.KeyOf(gate.Outcome)]),
        FlowPart.Releases when s.Releases is { } releases => releases.Live is { } live
            ? (releases.Verified == false ? StationState.Bad : StationState.Good, live)
            : (StationState.Open, texts["release.none"]),
        FlowPart.Requests when s.Requests is { } requests => (StationState.Good, numbers.Count(requests.Answered) + " " + texts["requests.answered"].ToLowerInvariant()),
        FlowPart.Bill when s.Bill is { } bill => (StationState.Good, Total(bill, texts, numbers)),
        _ => (StationState.Empty, null),
    };

    /// <summary>The total, marked as a lower bound when something has no price.</summary>
    public static string Total(BillSection bill, ConsoleTexts texts, Numbers numbers)
    {
        var total = numbers.Money(bill.Total, bill.Currency);
        return bill.Complete ? total : texts.With("bill.at_least", total);
    }

    public static double? LastLoss(TrainingSection training) => training.Losses.LastOrDefault(p => p.Loss is not null)?.Loss;

    private static string? Headline(ScorecardSection card, ConsoleTexts texts, Numbers numbers)
    {
        var score = card.Candidates[0].Scores.FirstOrDefault(s => s.Metric == card.Metric && s.Language == "all");
        return score is null ? texts["unknown"] : numbers.Percent(score.Value);
    }
}
