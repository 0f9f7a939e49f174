using Lauter.Console;

namespace Lauter.Tests.Console;

/// <summary>A project in the middle of its second iteration, every section filled.</summary>
internal static class SampleSnapshot
{
    public static readonly DateTimeOffset At = new(2026, 3, 14, 9, 26, 53, TimeSpan.Zero);

    public static ConsoleSnapshot Empty => new() { Project = "helpdesk", At = At };

    public static ConsoleSnapshot Running => Full with
    {
        Activities = [new ActivityView("train triage-sft", FlowPart.Training, 0.62, TimeSpan.FromSeconds(74)), new ActivityView("evaluate nearest-lexical", FlowPart.Scorecard)],
        Training = Full.Training! with { State = TrainingState.Running, Step = 372, Left = TimeSpan.FromSeconds(74), ParityPassed = null, ParityDifference = null },
    };

    public static ConsoleSnapshot Full => new()
    {
        Project = "helpdesk",
        At = At,
        Data = new DataSection([
            new DatasetView
            {
                Name = "handbook", Kind = "documents", Files = 61, Read = 66, Kept = 52,
                Dropped = [new("duplicate_of", 7), new("too_short", 3), new("unreadable", 2), new("other_language", 1), new("needs_ocr", 1)],
                Languages = [new("en", 29), new("zh", 23)], Masked = [new("email", 14), new("phone", 9), new("resident_id", 3)],
                Version = "5d41402abc4b2a76b9719d911017c592aabbccddeeff00112233445566778899",
            },
            new DatasetView
            {
                Name = "tickets", Kind = "examples", Files = 1, Read = 3000, Kept = 2841,
                Dropped = [new("duplicate_of", 148), new("conflicting_labels", 8), new("too_short", 3)],
                Languages = [new("en", 1672), new("zh", 1169)], Splits = [new("train", 2012), new("validation", 281), new("test", 548)],
                Version = "7d793037a0760186574b0282f2f435e7aabbccddeeff00112233445566778899",
            },
        ]),
        Index = new IndexSection([new IndexView("handbook", 52, 318, [new("en", 181), new("zh", 137)], 7421, "all-minilm-l6-v2", 384, TimeSpan.FromSeconds(9.4))]),
        Training = new TrainingSection
        {
            Name = "triage-sft", Base = "scratch: nano", Parameters = 4_212_480, State = TrainingState.Done, Step = 600, Steps = 600, TokensPerSecond = 2_480,
            Elapsed = TimeSpan.FromSeconds(163), CoreSeconds = 311, PeakBytes = 1_420_000_000, ParityDifference = 0.00071, ParityPassed = true,
            Losses = [.. Enumerable.Range(1, 600).Select(i => new LossPoint(i, (4.6 * Math.Exp(-i / 95.0)) + 0.11 + (0.05 * Math.Sin(i * 1.7)), i % 100 == 0 ? (4.7 * Math.Exp(-i / 95.0)) + 0.19 : null))],
        },
        Scorecard = new ScorecardSection
        {
            Suite = "tickets/test", Items = 548, Metric = "exact_match(intent)",
            Candidates =
            [
                new("triage-sft", "model", CandidateRole.Candidate, [.. Score("exact_match(intent)", (548, .9544), (326, .9571), (222, .9505)), .. Score("macro_f1(intent)", (548, .9512), (326, .9533), (222, .9466))]),
                new("triage-1", "model", CandidateRole.Live, [.. Score("exact_match(intent)", (548, .9398), (326, .9448), (222, .9324))]),
                new("nearest-lexical", "nearest", CandidateRole.Baseline, [.. Score("exact_match(intent)", (548, .8741), (326, .8926), (222, .8468))], 2),
            ],
        },
        Gate = new GateSection
        {
            Outcome = GateOutcome.Pass, NonInferiority = true, Candidate = "triage-sft", Baseline = "triage-1", Metric = "exact_match(intent)", Margin = 0.02, Alpha = 0.05, Power = 0.8,
            Effect = 0.0146, Low = -0.0021, High = 0.0313, Items = 548, OnlyCandidate = 19, OnlyBaseline = 11, PValue = 0.0012, NeededItems = 402, Decided = At.AddMinutes(-9),
            Reasons = [new("non_inferior", "The lower end of the interval, −0.2 %, lies above −2.0 %.")],
        },
        Releases = new ReleaseSection
        {
            Application = "triage", Live = "triage-2", Verified = true, VerifiedAt = At.AddMinutes(-6),
            History =
            [
                new("triage-2", "triage-sft (iteration 2)", At.AddMinutes(-8), null, "aa11bb22cc33dd44ee55"), new("triage-1", "triage-sft (iteration 1)", At.AddDays(-2), null, "99887766554433221100"),
            ],
            Evidence =
            [
                new(0, "release", "triage-2", "aa11bb22cc33dd44ee55"), new(1, "gate", "triage-sft against triage-1", "0a1b2c3d4e5f60718293"), new(2, "scorecard", "triage-sft on tickets/test", "1b2c3d4e5f6071829304"),
                new(2, "scorecard", "triage-1 on tickets/test", "2c3d4e5f607182930415"), new(1, "model", "triage-sft", "3d4e5f60718293041526"), new(2, "dataset", "tickets", "7d793037a0760186574b"), new(3, "source", "tickets.jsonl", "4e5f6071829304152637"),
            ],
        },
        Rollout = new RolloutSection
        {
            Candidate = "triage-2", Live = "triage-1", State = RolloutState.Running, Share = 0.25, Shares = [0.05, 0.25, 0.5], Steps = 2, Started = At.AddMinutes(-40), Since = At.AddMinutes(-12),
            Why = "Step 1 of 3 saw no harm.", Limit = 20, Signals = [new("failures", 61, 0, 702, 3, 0.41, 4.7), new("feedback", 9, 2, 96, 11, 1.3, 0.9)],
        },
        Iterations =
        [
            new(1, At.AddDays(-2), null, "released", "triage-1", 0.9398, TimeSpan.FromMinutes(4), 10_112, 21, 0.0000142m, "CNY"),
            new(2, At.AddMinutes(-52), 31, null, null, null, null, 0, 0, null, null),
        ],
        Requests = new RequestSection
        {
            Total = 1_284, Answered = 1_279, Failed = 5, P50 = TimeSpan.FromMilliseconds(47), P95 = TimeSpan.FromMilliseconds(118), Feedback = new FeedbackView(212, 9, 31),
            Hours = [.. Enumerable.Range(0, 24).Select(i => new HourView(At.AddHours(i - 23), (long)(30 + (90 * Math.Max(0, Math.Sin((i - 6) / 5.0)))), i is 9 or 15 ? 2 : 0))],
            Recent =
            [
                new("0195c0a1", "triage", "triage-2", At.AddSeconds(-4), TimeSpan.FromMilliseconds(44), 200, "answered", 96, 21, 0.0000131m, "CNY"),
                new("0195c0a0", "triage", "triage-2", At.AddSeconds(-9), TimeSpan.FromMilliseconds(51), 200, "answered", 133, 22, 0.0000152m, "CNY"),
                new("0195c09f", "handbook", "handbook-1", At.AddSeconds(-31), TimeSpan.FromMilliseconds(19), 200, "answered", 12, 0, 0.0000044m, "CNY"),
                new("0195c09e", "triage", null, At.AddSeconds(-58), TimeSpan.FromMilliseconds(2), 429, "refused", null, null, null, null),
            ],
        },
        Bill = new BillSection
        {
            Currency = "CNY", Total = 0.0841m, Complete = false, AcceptedAnswers = 1_239, ServingPerAcceptedAnswer = 0.0000121m, WholePerAcceptedAnswer = 0.0000679m,
            Phases = [new("data", 41.2, 0.0046m, true), new("vectorising", 18.1, 0.0020m, true), new("training", 311, 0.0346m, true), new("evaluation", 58.4, 0.0065m, true), new("serving", 63, 0.0150m, true), new("idle", 191, 0.0214m, true), new("labelling", 0, null, false)],
            Unknowns = ["labelling: 31 corrections by people have no price; state prices.people in lauter.yaml"],
            Assumptions = ["The machine's rate is the built-in assumption of 0.4 CNY per core-hour; state yours under prices.machine."],
            Budgets = [new BudgetView("triage", 0.0843m, 200m, "month")],
        },
    };

    private static IEnumerable<ScoreView> Score(string metric, params (long Items, double Value)[] values) =>
        values.Zip((string[])["all", "en", "zh"], (value, language) =>
        {
            var half = 1.96 * Math.Sqrt(value.Value * (1 - value.Value) / value.Items);
            return new ScoreView(metric, language, value.Items, value.Value, value.Value - half, Math.Min(1, value.Value + half));
        });
}
