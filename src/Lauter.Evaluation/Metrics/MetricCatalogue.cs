using System.Text.Json.Nodes;
using Lauter.Evaluation.Metrics.Classes;
using Lauter.Evaluation.Metrics.Likelihoods;
using Lauter.Evaluation.Metrics.Rankings;
using Lauter.Evaluation.Metrics.Structures;
using Lauter.Evaluation.Metrics.Texts;

namespace Lauter.Evaluation.Metrics;

/// <summary>A metric as people find it in a list.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Options">Its options, <c>key=a|b</c>, the first the default.</param>
/// <param name="Rows">What prediction and reference look like.</param>
/// <param name="Words">What it says.</param>
public sealed record MetricEntry(string Name, string Options, string Rows, string Words);

/// <summary>All metrics by name: <c>bleu</c>, <c>bleu:tok=zh</c>, <c>ndcg:k=10,gain=exponential</c>.</summary>
public static class MetricCatalogue
{
    private const string Text = "text | text";
    private const string Label = "label | label";
    private const string Ranked = "[id, …] or {id: score} | [id, …] or {id: grade}";

    private static readonly (MetricEntry Entry, Func<string, MetricOptions, IMetric> Make)[] Metrics =
    [
        (new("exact_match", "case=keep|ignore, punctuation=keep|ignore, digits=keep|ignore", "any | any", "equal by content; text after the normalisers named"), ExactMatch),
        (new("answer_exact", "lang=auto|en|zh", Text, "equal after SQuAD (en) or Chinese normalising"), (n, o) => Answer(n, o, f1: false)),
        (new("answer_f1", "lang=auto|en|zh, empty=zero|match", Text, "token F1, SQuAD form for en, characters for zh; best reference"), (n, o) => Answer(n, o, f1: true)),
        (new("contains", "", Text, "the answer holds a reference word for word"), (n, _) => Item(n, "contains|v:1", r => r.Prediction is null ? null : r.Expected.Any(e => r.Said.Contains(e, StringComparison.Ordinal)) ? 1 : 0)),
        (new("bleu", "tok=13a|intl|zh|char|none, smooth=exp|floor|add-k|none, value, case=mixed|lc, eff=no|yes, order", Text, "corpus BLEU, 0 to 100, equal to sacrebleu 2.6.0"), BleuMetric),
        (new("chrf", "order, words, beta, case=mixed|lc, space=no|yes", Text, "corpus chrF (words=2: chrF++), equal to sacrebleu 2.6.0"), ChrFMetric),
        (new("ter", "norm=no|yes, punct=yes|no, asian=no|yes, case=lc|mixed", Text, "edits for 100 reference words; lower is better; equal to sacrebleu 2.6.0"), TerMetric),
        (new("rouge1", "tok=en|stem|zh", Text, "F1 of words; best reference"), (n, o) => RougeMetric(n, o, (r, h, e) => r.N(1, h, e))),
        (new("rouge2", "tok=en|stem|zh", Text, "F1 of word pairs"), (n, o) => RougeMetric(n, o, (r, h, e) => r.N(2, h, e))),
        (new("rougeL", "tok=en|stem|zh", Text, "F1 of the longest common subsequence"), (n, o) => RougeMetric(n, o, (r, h, e) => r.L(h, e))),
        (new("rougeLsum", "tok=en|stem|zh", Text, "the same line by line"), (n, o) => RougeMetric(n, o, (r, h, e) => r.Lsum(h, e))),
        (new("accuracy", "", Label, "share of right labels"), (n, _) => Labels(n, m => m.Accuracy)),
        (new("balanced_accuracy", "", Label, "mean recall over labels"), (n, _) => Labels(n, m => m.BalancedAccuracy)),
        (new("macro_f1", "", Label, "mean F1 over the labels seen"), (n, _) => Labels(n, m => m.Average(LabelAverage.Macro).F1)),
        (new("micro_f1", "", Label, "F1 of pooled counts"), (n, _) => Labels(n, m => m.Average(LabelAverage.Micro).F1)),
        (new("weighted_f1", "", Label, "F1 weighted by how often a label is true"), (n, _) => Labels(n, m => m.Average(LabelAverage.Weighted).F1)),
        (new("mcc", "", Label, "Matthews' correlation"), (n, _) => Labels(n, m => m.Mcc)),
        (new("kappa", "", Label, "Cohen's kappa of two sources of labels"), (n, _) => Labels(n, m => m.Kappa())),
        (new("parse_rate", "", "object | anything", "share of answers that are JSON objects"), (n, _) => Item(n, "parse_rate|form:object|v:1", r => r.Prediction is null ? null : r.Prediction is JsonObject ? 1 : 0)),
        (new("json_fields", "", "object | object", "F1 of equal leaves"), (n, _) => Item(n, "json_fields|cmp:json|leaves:path|v:1", r => r.Prediction is null ? null : r.References.Max(e => StructureScores.Fields(r.Prediction, e).F1))),
        (new("tool_f1", "by=arguments|name", "[call, …] | [call, …]", "F1 of tool calls, matched by name and arguments"), ToolMetric),
        (new("choice", "rule=sum|char|byte|mutual", "[{text, logprob, unconditional}, …] | index or text", "the likeliest choice is right (acc, acc_norm, acc_bytes, mutual information)"), ChoiceMetric),
        (new("perplexity", "unit=tokens|words|bytes", "{logprob, tokens|words|bytes} | -", "exp(-Σ logprob / Σ units); lower is better"), PerplexityMetric),
        (new("bits_per_byte", "", "{logprob, bytes} | -", "-Σ logprob / Σ bytes / ln 2; lower is better"), BitsMetric),
        (new("pass_at_k", "k", "[true, false, …] or {samples, correct} | -", "chance that one of k samples is right, unbiased"), PassMetric),
        (new("ndcg", "k, gain=linear|exponential", Ranked, "discounted gain against the ideal order"), NdcgMetric),
        (new("mrr", "k", Ranked, "1 / rank of the first relevant document"), (n, o) => RankMetric(n, o, (r, k) => r.ReciprocalRank(k))),
        (new("map", "k", Ranked, "average precision"), (n, o) => RankMetric(n, o, (r, k) => r.AveragePrecision(k))),
        (new("recall", "k", Ranked, "relevant documents found"), (n, o) => RankMetric(n, o, (r, k) => r.Recall(k))),
        (new("precision", "k", Ranked, "relevant among the first k"), (n, o) => RankMetric(n, o, (r, k) => r.Precision(k), needsK: true)),
        (new("hit", "k", Ranked, "a relevant document is among the first k"), (n, o) => RankMetric(n, o, (r, k) => r.Hit(k))),
        (new("citation_f1", "", "[id, …] | [id, …]", "cited passages against supporting ones"), (n, _) => Item(n, "citation_f1|v:1", Citation)),
        (new("faithfulness", "", "[claim supported, …] | -", "share of the answer's claims that the passages support"), (n, _) => Item(n, "faithfulness|claims:given|v:1", r => Verdicts(r) is { } v ? ContextScores.Faithfulness(v) : null)),
        (new("context_recall", "", "[claim supported, …] | -", "share of the reference's claims that the passages support"), (n, _) => Item(n, "context_recall|claims:given|v:1", r => Verdicts(r) is { } v ? ContextScores.ContextRecall(v) : null)),
        (new("context_precision", "", "[passage relevant, …] | -", "average precision of the passages retrieved"), (n, _) => Item(n, "context_precision|v:1", r => Verdicts(r) is { } v ? ContextScores.ContextPrecision(v) : null)),
        (new("ece", "bins, edges=high|low|one|floor", "{label: probability} | label", "gap between stated confidence and accuracy; lower is better"), EceMetric),
        (new("brier", "", "{label: probability} | label", "squared error summed over classes, 0 to 2; lower is better"), (n, _) => new ItemMetric(n, "brier|sum:classes|v:1", Brier, higherIsBetter: false, worst: 2)),
        (new("refusal", "", "text | -", "share of answers that refuse, by their opening words"), (n, _) => Item(n, Refusals.Signature, r => r.Prediction is null ? null : Refusals.IsRefusal(r.Said) ? 1 : 0)),
        (new("refusal_right", "", "text | true or false", "refuses where it should and only there"), (n, _) => Item(n, $"refusal_right|{Refusals.Signature}", RefusalRight)),
    ];

    /// <summary>Every metric, in the order of the list.</summary>
    public static IReadOnlyList<MetricEntry> Entries { get; } = [.. Metrics.Select(m => m.Entry)];

    /// <summary>What is computed for free text when nothing is named.</summary>
    public static IReadOnlyList<string> TextDefaults { get; } = ["exact_match", "answer_exact", "answer_f1", "bleu", "chrf", "rougeL"];

    /// <summary>The metric of <paramref name="text"/>.</summary>
    /// <exception cref="FormatException">There is no such metric, or an option is wrong; the message says what there is.</exception>
    public static IMetric Parse(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var name = (colon < 0 ? text : text[..colon]).Trim();
        var found = Array.Find(Metrics, m => m.Entry.Name == name);
        if (found.Make is null)
        {
            throw new FormatException($"'{name}' is not a metric; expected one of {string.Join(", ", Metrics.Select(m => m.Entry.Name))}.");
        }

        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in colon < 0 ? [] : text[(colon + 1)..].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var pair = part.Split('=', 2);
            if (pair.Length != 2 || !given.TryAdd(pair[0].Trim(), pair[1].Trim()))
            {
                throw new FormatException($"{name}: '{part}' is not an option; write key=value once each.");
            }
        }

        var options = new MetricOptions(name, given);
        var metric = found.Make(text.Trim(), options);
        options.Close();
        return metric;
    }

    private static ItemMetric Item(string name, string signature, Func<MetricRow, double?> score) => new(name, signature, score);

    private static LabelMetric Labels(string name, Func<ConfusionMatrix, double> value) => new(name, $"{name}|labels:seen|zero:0|unanswered:own_label|as:scikit-learn|v:1", value);

    private static ItemMetric ExactMatch(string name, MetricOptions options)
    {
        var (lower, punctuation, digits) = (
            options.Choice("case", "keep", "keep", "ignore") == "ignore",
            options.Choice("punctuation", "keep", "keep", "ignore") == "ignore",
            options.Choice("digits", "keep", "keep", "ignore") == "ignore");
        var plain = !lower && !punctuation && !digits;
        return Item(
            name,
            plain ? "exact_match|cmp:json|v:1" : $"exact_match|case:{Kept(lower)}|punct:{Kept(punctuation)}|digits:{Kept(digits)}|v:1",
            r => r.Prediction is null ? null
                : r.References.Any(e => plain ? JsonNode.DeepEquals(e, r.Prediction) : Normal(MetricRow.Text(e)) == Normal(r.Said)) ? 1 : 0);

        static string Kept(bool ignored) => ignored ? "ignored" : "kept";

        string Normal(string text)
        {
            text = lower ? PythonText.Lower(text) : text;
            return string.Concat(text.Where(c => !(punctuation && PythonText.AsciiPunctuation.Contains(c)) && !(digits && char.IsAsciiDigit(c))));
        }
    }

    private static ItemMetric Answer(string name, MetricOptions options, bool f1)
    {
        var language = options.Choice("lang", "auto", "auto", "en", "zh");
        var empty = f1 && options.Choice("empty", "zero", "zero", "match") == "match" ? EmptyAnswers.Match : EmptyAnswers.Zero;
        var form = language switch { "en" => "norm:squad|tok:space", "zh" => "norm:zh|tok:char", _ => "norm:squad,zh|tok:space,char|by:language" };
        return Item(name, $"{(f1 ? "answer_f1" : "answer_exact")}|{form}{(f1 ? $"|empty:{empty.ToString().ToLowerInvariant()}" : "")}|v:1", r =>
        {
            var chinese = language == "zh" || (language == "auto" && r.Language == "zh");
            return r.Prediction is null || r.References.Count == 0 ? null
                : f1 ? AnswerScores.F1(r.Said, r.Expected, chinese, empty) : AnswerScores.Exact(r.Said, r.Expected, chinese);
        });
    }

    private static SumMetric BleuMetric(string name, MetricOptions options)
    {
        var bleu = new Bleu
        {
            Tokenizer = options.Choice("tok", "13a", [.. BleuTokenizers.Names]),
            Smoothing = options.Choice("smooth", "exp", "exp", "floor", "add-k", "none") switch
            {
                "floor" => BleuSmoothing.Floor, "add-k" => BleuSmoothing.AddK, "none" => BleuSmoothing.None, _ => BleuSmoothing.Exp,
            },
            SmoothingValue = options.Number("value", 0, 100),
            Lowercase = options.Choice("case", "mixed", "mixed", "lc") == "lc",
            EffectiveOrder = options.Flag("eff"),
            MaximumOrder = (int)(options.Number("order", 1, 9) ?? 4),
        };

        // For one sentence the effective order is the usual choice; the corpus keeps what was asked.
        return new SumMetric(name, rows => $"bleu|{bleu.Signature(References(rows))}{(bleu.MaximumOrder == 4 ? "" : $"|order:{bleu.MaximumOrder}")}", bleu.Width, (row, sums) => bleu.Count(row.Said, row.Expected, sums), bleu.Score);
    }

    private static SumMetric ChrFMetric(string name, MetricOptions options)
    {
        var chrf = new ChrF
        {
            CharacterOrder = (int)(options.Number("order", 1, 20) ?? 6),
            WordOrder = (int)(options.Number("words", 0, 9) ?? 0),
            Beta = options.Number("beta", 0.01, 100) ?? 2,
            Lowercase = options.Choice("case", "mixed", "mixed", "lc") == "lc",
            Whitespace = options.Flag("space"),
        };
        return new SumMetric(name, rows => $"chrf{chrf.Beta}|{chrf.Signature(References(rows))}", chrf.Width, (row, sums) => chrf.Count(row.Said, row.Expected, sums), chrf.Score);
    }

    private static SumMetric TerMetric(string name, MetricOptions options)
    {
        var ter = new Ter
        {
            Normalized = options.Flag("norm"),
            NoPunctuation = options.Choice("punct", "yes", "yes", "no") == "no",
            AsianSupport = options.Flag("asian"),
            CaseSensitive = options.Choice("case", "lc", "lc", "mixed") == "mixed",
        };
        return new SumMetric(name, rows => $"ter|{ter.Signature(References(rows))}", 2, (row, sums) => (sums[0], sums[1]) = ter.Count(row.Said, row.Expected), s => Ter.Score(s[0], s[1]), higherIsBetter: false);
    }

    private static ItemMetric RougeMetric(string name, MetricOptions options, Func<Rouge, string, string, PrecisionRecall> score)
    {
        var rouge = new Rouge(options.Choice("tok", "en", "en", "stem", "zh") switch { "stem" => RougeTokens.EnglishStemmed, "zh" => RougeTokens.Characters, _ => RougeTokens.English });
        return Item(name, $"{name.Split(':')[0]}|f1|{rouge.Signature}|refs:best", r => r.Prediction is null || r.References.Count == 0 ? null : r.Expected.Max(e => score(rouge, r.Said, e).F1));
    }

    private static ItemMetric ToolMetric(string name, MetricOptions options)
    {
        var byName = options.Choice("by", "arguments", "arguments", "name") == "name";
        return Item(name, $"tool_f1|by:{(byName ? "name" : "name,arguments")}|order:free|v:1", r => r.Prediction is not JsonArray said ? null
            : r.References.OfType<JsonArray>().Select(e => byName ? StructureScores.ToolNames(said, e).F1 : StructureScores.ToolCalls(said, e).F1).DefaultIfEmpty(0).Max());
    }

    private static ItemMetric ChoiceMetric(string name, MetricOptions options)
    {
        var word = options.Choice("rule", "sum", "sum", "char", "byte", "mutual");
        var rule = word switch { "char" => ChoiceRule.PerCharacter, "byte" => ChoiceRule.PerByte, "mutual" => ChoiceRule.MutualInformation, _ => ChoiceRule.Sum };
        return Item(name, $"choice|rule:{word}|ties:first|v:1", r =>
        {
            if (r.Prediction is not JsonArray array)
            {
                return null;
            }

            var choices = array.Select(c => new ScoredChoice(MetricRow.Text((c as JsonObject)?["text"]), Member(c, "logprob"), Member(c, "unconditional"))).ToArray();
            var picked = Likelihood.Pick(choices, rule);
            return picked < 0 ? null : r.References.Any(e => e is JsonValue v && (v.TryGetValue<int>(out var index) ? index == picked : MetricRow.Text(e) == choices[picked].Text)) ? 1 : 0;
        });
    }

    private static SumMetric PerplexityMetric(string name, MetricOptions options)
    {
        var unit = options.Choice("unit", "tokens", "tokens", "words", "bytes");
        return new SumMetric(name, _ => $"perplexity|unit:{unit}|v:1", 2, (row, sums) => (sums[0], sums[1]) = (Member(row.Prediction, "logprob"), Member(row.Prediction, unit)), s => Likelihood.Perplexity(s[0], s[1]), higherIsBetter: false,
            usable: row => double.IsFinite(Member(row.Prediction, "logprob")) && Member(row.Prediction, unit) > 0);
    }

    private static SumMetric BitsMetric(string name, MetricOptions options) =>
        new(name, _ => "bits_per_byte|v:1", 2, (row, sums) => (sums[0], sums[1]) = (Member(row.Prediction, "logprob"), Member(row.Prediction, "bytes")), s => Likelihood.BitsPerByte(s[0], s[1]), higherIsBetter: false,
            usable: row => double.IsFinite(Member(row.Prediction, "logprob")) && Member(row.Prediction, "bytes") > 0);

    private static ItemMetric PassMetric(string name, MetricOptions options)
    {
        var k = (int)(options.Number("k", 1, 100_000) ?? 1);
        return Item(name, $"pass_at_k|k:{k}|unbiased|v:1", r =>
        {
            var value = r.Prediction switch
            {
                JsonArray a => Likelihood.PassAtK(a.Count, a.Count(v => v is JsonValue b && b.TryGetValue<bool>(out var right) && right), k),
                JsonObject o => Likelihood.PassAtK((int)Number(o["samples"]), (int)Number(o["correct"]), k),
                _ => double.NaN,
            };
            return double.IsNaN(value) ? null : value;
        });
    }

    private static ItemMetric NdcgMetric(string name, MetricOptions options)
    {
        var gain = options.Choice("gain", "linear", "linear", "exponential") == "exponential" ? Gain.Exponential : Gain.Linear;
        return RankMetric(name, options, (r, k) => r.Ndcg(gain, k), $"|gain:{gain.ToString().ToLowerInvariant()}");
    }

    private static ItemMetric RankMetric(string name, MetricOptions options, Func<Ranking, int, double> value, string more = "", bool needsK = false)
    {
        var k = options.Number("k", 1, 1_000_000) is { } cut ? (int)cut : needsK ? 10 : int.MaxValue;
        return Item(name, $"{name.Split(':')[0]}|k:{(k == int.MaxValue ? "all" : k)}{more}|relevant:1|ties:id_descending|v:1", r =>
        {
            if (r.References.Count == 0 || Order(r.Prediction) is not { } order)
            {
                return null;
            }

            var judgements = new Dictionary<string, double>(StringComparer.Ordinal);
            foreach (var reference in r.References)
            {
                if (reference is JsonObject grades)
                {
                    foreach (var (id, grade) in grades)
                    {
                        judgements[id] = Number(grade);
                    }
                }
                else
                {
                    foreach (var id in reference is JsonArray ids ? ids.Select(MetricRow.Text) : [MetricRow.Text(reference)])
                    {
                        judgements[id] = 1;
                    }
                }
            }

            return value(new Ranking(order, judgements), k);
        });

        static IReadOnlyList<string>? Order(JsonNode? said) => said switch
        {
            JsonArray ids => [.. ids.Select(MetricRow.Text)],
            JsonObject scores => scores.Any(s => !double.IsFinite(Number(s.Value))) ? null : Ranking.Order(scores.ToDictionary(s => s.Key, s => Number(s.Value), StringComparer.Ordinal)),
            _ => null,
        };
    }

    private static SumMetric EceMetric(string name, MetricOptions options)
    {
        var bins = (int)(options.Number("bins", 1, 1_000) ?? 15);
        var edges = options.Choice("edges", "high", "high", "low", "one", "floor");
        var rule = edges switch { "low" => BinRule.LowClosed, "one" => BinRule.OneAlone, "floor" => BinRule.Floor, _ => BinRule.HighClosed };
        return new SumMetric(
            name, _ => $"ece|bins:{bins}|edges:{edges}|top_label|v:1", 3 * (bins + 1),
            (row, sums) =>
            {
                // No distribution, no confidence: such a row counts as certain and wrong.
                var (label, confidence) = Top(row.Failure is null ? row.Prediction : null) ?? ("", 1);
                var bin = 3 * Calibration.Bin(confidence, bins, rule);
                sums[bin] = confidence;
                sums[bin + 1] = row.Expected.Contains(label, StringComparer.Ordinal) ? 1 : 0;
                sums[bin + 2] = 1;
            },
            sums =>
            {
                double gap = 0, items = 0;
                for (var i = 0; i < sums.Length; i += 3)
                {
                    gap += Math.Abs(sums[i + 1] - sums[i]);
                    items += sums[i + 2];
                }

                return gap / items;
            },
            higherIsBetter: false, bySentence: false, usable: row => Top(row.Prediction) is not null);

        static (string Label, double Confidence)? Top(JsonNode? said) => said is JsonObject { Count: > 0 } o && o.All(p => Number(p.Value) is >= 0 and <= 1)
            ? o.Select(p => (p.Key, Number(p.Value))).MaxBy(p => p.Item2) : null;
    }

    private static double? Brier(MetricRow row) => row.Prediction is JsonObject { Count: > 0 } o && row.References.Count > 0 && o.All(p => Number(p.Value) is >= 0 and <= 1)
        ? o.Sum(p => Math.Pow(Number(p.Value) - (p.Key == MetricRow.Text(row.References[0]) ? 1 : 0), 2)) + (o.ContainsKey(MetricRow.Text(row.References[0])) ? 0 : 1)
        : null;

    private static double? Citation(MetricRow row) => row.Prediction is not JsonArray said ? null
        : ContextScores.CitationCorrectness(
            said.Select(MetricRow.Text).ToHashSet(StringComparer.Ordinal),
            row.References.SelectMany(r => r is JsonArray ids ? ids.Select(MetricRow.Text) : [MetricRow.Text(r)]).ToHashSet(StringComparer.Ordinal)).F1;

    private static double? RefusalRight(MetricRow row) =>
        row.Prediction is not null && row.References is [JsonValue value, ..] && value.TryGetValue<bool>(out var should) ? Refusals.IsRefusal(row.Said) == should ? 1 : 0 : null;

    private static bool[]? Verdicts(MetricRow row) => row.Prediction is JsonArray array && array.All(v => v is JsonValue b && b.TryGetValue<bool>(out _)) ? [.. array.Select(v => v!.GetValue<bool>())] : null;

    private static double Member(JsonNode? node, string name) => Number((node as JsonObject)?[name]);

    private static double Number(JsonNode? node) => node is JsonValue value && value.TryGetValue<double>(out var number) ? number : double.NaN;

    private static int? References(IReadOnlyList<MetricRow> rows) => rows.Select(r => r.References.Count).Distinct().Count() == 1 ? rows[0].References.Count : null;
}
