using System.Text.Json;
using Lauter.Evaluation.Metrics.Texts;
using Lauter.Evaluation.Statistics;

namespace Lauter.Tests.Evaluation;

/// <summary>BLEU, chrF and TER against every recorded value of sacrebleu 2.6.0.</summary>
public sealed class TranslationGoldenTests
{
    private const double Tolerance = 1e-9;

    [Fact]
    public void Tokenize_RecordedLines_GivesRecordedTokens()
    {
        var file = Golden.Shared("sacrebleu.json");
        var inputs = file.Texts("tokenizer_inputs");
        foreach (var c in file.Items("cases_tokenizer"))
        {
            var outputs = c.Texts("outputs");
            for (var i = 0; i < inputs.Length; i++)
            {
                Assert.Equal(outputs[i], BleuTokenizers.Line(c.Text("tok"), inputs[i]));
            }
        }
    }

    [Fact]
    public void Bleu_RecordedCorpora_GivesRecordedScoresCountsAndSignatures()
    {
        var file = Golden.Shared("sacrebleu.json");
        foreach (var c in file.Items("cases_bleu"))
        {
            var bleu = BleuOf(c);
            var (hypotheses, references) = Corpus(file, c);
            var row = Sum(bleu.Width, hypotheses.Length, (i, r) => bleu.Count(hypotheses[i], references[i], r));
            var order = bleu.MaximumOrder;
            var what = $"{c.Text("corpus")} {c.Text("signature")} order {order}";
            Golden.Close(c.Number("score"), bleu.Score(row), Tolerance, what);
            Assert.Equal(c.Number("sys_len"), row[0]);
            Assert.Equal(c.Number("ref_len"), row[1]);
            if (bleu.Smoothing != BleuSmoothing.AddK)
            {
                Assert.Equal(c.Numbers("counts"), row[2..(2 + order)]);
                Assert.Equal(c.Numbers("totals"), row[(2 + order)..]);
            }

            Assert.Equal(c.Text("signature"), bleu.Signature(ReferenceCount(references)));
        }
    }

    [Fact]
    public void BleuSentence_RecordedSentences_GivesRecordedScores()
    {
        var file = Golden.Shared("sacrebleu.json");
        foreach (var c in file.Items("cases_sentence_bleu"))
        {
            var bleu = BleuOf(c);
            var (hypotheses, references) = Corpus(file, c);
            var scores = c.Numbers("scores");
            for (var i = 0; i < scores.Length; i++)
            {
                Golden.Close(scores[i], bleu.Sentence(hypotheses[i], references[i]), Tolerance, $"{c.Text("corpus")} {i} {c.Text("signature")}");
            }
        }
    }

    [Fact]
    public void ChrF_RecordedCorpora_GivesRecordedScores()
    {
        var file = Golden.Shared("sacrebleu.json");
        foreach (var c in file.Items("cases_chrf"))
        {
            var chrf = new ChrF
            {
                CharacterOrder = c.GetProperty("char_order").GetInt32(),
                WordOrder = c.GetProperty("word_order").GetInt32(),
                Beta = c.Number("beta"),
                Lowercase = c.Flag("lowercase"),
                Whitespace = c.Flag("whitespace"),
                EpsilonSmoothing = c.Flag("eps_smoothing"),
            };
            var (hypotheses, references) = Corpus(file, c);
            var row = Sum(chrf.Width, hypotheses.Length, (i, r) => chrf.Count(hypotheses[i], references[i], r));
            var what = $"{c.Text("corpus")} {c.Text("name")} {c.Text("signature")}";
            Golden.Close(c.Number("score"), chrf.Score(row), Tolerance, what);
            Assert.Equal(c.Text("signature"), chrf.Signature(ReferenceCount(references)));
            var sentences = c.TryGetProperty("sentence_scores", out _) ? c.Numbers("sentence_scores") : [];
            for (var i = 0; i < sentences.Length; i++)
            {
                Golden.Close(sentences[i], chrf.Sentence(hypotheses[i], references[i]), Tolerance, $"{what} sentence {i}");
            }
        }
    }

    [Fact]
    public void Ter_RecordedCorpora_GivesRecordedEdits()
    {
        var file = Golden.Shared("sacrebleu.json");
        foreach (var c in file.Items("cases_ter"))
        {
            var ter = new Ter
            {
                Normalized = c.Flag("normalized"),
                NoPunctuation = c.Flag("no_punct"),
                AsianSupport = c.Flag("asian_support"),
                CaseSensitive = c.Flag("case_sensitive"),
            };
            var (hypotheses, references) = Corpus(file, c);
            var bySentence = c.TryGetProperty("sentence_edits", out _);
            double[] edits = bySentence ? c.Numbers("sentence_edits") : [], lengths = bySentence ? c.Numbers("sentence_ref_lengths") : [];
            double totalEdits = 0, totalLength = 0;
            for (var i = 0; i < hypotheses.Length; i++)
            {
                var (e, l) = ter.Count(hypotheses[i], references[i]);
                Assert.True(!bySentence || (edits[i] == e && Math.Abs(lengths[i] - l) < 1e-12), $"{c.Text("corpus")} {i} {c.Text("signature")}: got {e} / {l}");
                totalEdits += e;
                totalLength += l;
            }

            Assert.Equal((c.Number("num_edits"), c.Number("ref_length")), (totalEdits, totalLength));
            Golden.Close(c.Number("score"), Ter.Score(totalEdits, totalLength), Tolerance, c.Text("signature"));
            Assert.Equal(c.Text("signature"), ter.Signature(ReferenceCount(references)));
        }
    }

    [Fact]
    public void PairedTests_RecordedDraws_GivesRecordedP()
    {
        var file = Golden.Shared("sacrebleu.json");
        var bleu = new Bleu();
        var indices = file.Items("bootstrap_indices").Select(r => r.EnumerateArray().Select(v => v.GetInt32()).ToArray()).ToArray();
        var masks = file.Items("ar_mask").Select(r => r.EnumerateArray().Select(v => v.GetInt32() != 0).ToArray()).ToArray();
        foreach (var c in file.Items("cases_paired_explicit"))
        {
            double[][] baseline = Rows(c, "baseline_stats"), system = Rows(c, "system_stats");
            double[] expectedBaseline = c.Numbers("bootstrap_baseline_scores"), expectedSystem = c.Numbers("bootstrap_system_scores");
            var drawn = indices.Select((set, k) =>
            {
                double a = Score(set.Select(i => baseline[i])), b = Score(set.Select(i => system[i]));
                Golden.Close(expectedBaseline[k], a, Tolerance, $"baseline {k}");
                Golden.Close(expectedSystem[k], b, Tolerance, $"system {k}");
                return b - a;
            }).ToArray();
            var observed = c.Number("system_score") - c.Number("baseline_score");
            Golden.Close(c.Number("p_bootstrap"), PairedResampling.SacrebleuBootstrapP(observed, drawn), Tolerance, "bootstrap p");

            double[] expectedA = c.Numbers("ar_scores_a"), expectedB = c.Numbers("ar_scores_b");
            var flipped = masks.Select((mask, k) =>
            {
                var a = Score(mask.Select((m, i) => m ? baseline[i] : system[i]));
                var b = Score(mask.Select((m, i) => m ? system[i] : baseline[i]));
                Golden.Close(expectedA[k], a, Tolerance, $"pseudo-system a {k}");
                Golden.Close(expectedB[k], b, Tolerance, $"pseudo-system b {k}");
                return a - b;
            }).ToArray();
            Golden.Close(c.Number("p_ar"), PairedResampling.SacrebleuRandomisationP(observed, flipped), Tolerance, "randomisation p");
        }

        double Score(IEnumerable<double[]> rows)
        {
            var sum = new double[bleu.Width];
            foreach (var row in rows)
            {
                for (var i = 0; i < sum.Length; i++)
                {
                    sum[i] += row[i];
                }
            }

            return bleu.Score(sum);
        }

        static double[][] Rows(JsonElement c, string member) => [.. c.Items(member).Select(r => r.EnumerateArray().Select(v => v.GetDouble()).ToArray())];
    }

    [Fact]
    public void Ter_ChineseSentence_IsOneWordUnlessNormalisedWithAsianSupport()
    {
        Assert.Equal((1, 1), new Ter { AsianSupport = true }.Count("今天寄出。", ["今天寄出了。"]));
        Assert.Equal((1, 6), new Ter { AsianSupport = true, Normalized = true }.Count("今天寄出。", ["今天寄出了。"]));
    }

    private static Bleu BleuOf(JsonElement c) => new()
    {
        Tokenizer = c.Text("tok"),
        Smoothing = c.Text("smooth") switch { "none" => BleuSmoothing.None, "floor" => BleuSmoothing.Floor, "add-k" => BleuSmoothing.AddK, _ => BleuSmoothing.Exp },
        SmoothingValue = c.GetProperty("smooth_value") is { ValueKind: JsonValueKind.Number } value ? value.GetDouble() : null,
        Lowercase = c.TryGetProperty("lowercase", out var lower) && lower.GetBoolean(),
        EffectiveOrder = c.Flag("effective_order"),
        MaximumOrder = c.TryGetProperty("max_order", out var order) ? order.GetInt32() : 4,
    };

    private static (string[] Hypotheses, string?[][] References) Corpus(JsonElement file, JsonElement c)
    {
        var corpus = file.GetProperty("corpora").GetProperty(c.Text("corpus"));
        var streams = corpus.Items("refs").Select(r => r.EnumerateArray().Select(v => v.GetString()).ToArray()).ToArray();
        streams = c.TryGetProperty("use_refs", out var use) && use.ValueKind == JsonValueKind.Number ? streams[..use.GetInt32()] : streams;
        var hypotheses = corpus.Texts("hyps");
        return (hypotheses, [.. hypotheses.Select((_, i) => streams.Select(s => s[i]).Where(r => r is not null).ToArray())]);
    }

    private static int? ReferenceCount(string?[][] references) => references.Select(r => r.Length).Distinct().Count() == 1 ? references[0].Length : null;

    private static double[] Sum(int width, int items, Action<int, double[]> count)
    {
        var row = new double[width];
        for (var i = 0; i < items; i++)
        {
            count(i, row);
        }

        return row;
    }
}
