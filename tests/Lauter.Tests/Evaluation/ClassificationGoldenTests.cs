using Lauter.Evaluation.Metrics;

namespace Lauter.Tests.Evaluation;

public sealed class ClassificationGoldenTests
{
    [Theory]
    [InlineData("cases", "macro", "weighted")]
    [InlineData("cases_multiclass", "macro_present", "weighted_present")]
    public void ConfusionCounts_ReferenceLabels_GivesScikitLearnAverages(string member, string macro, string weighted)
    {
        foreach (var c in Golden.Cases("classification.json", member))
        {
            int[] labels = c.Integers("labels"), predictions = c.Integers("predictions");
            var counts = new ConfusionCounts(labels.Concat(predictions).Max() + 1);
            for (var i = 0; i < labels.Length; i++)
            {
                counts.Add(labels[i], predictions[i]);
            }

            var expected = c.Numbers(macro);
            var what = c.TryGetProperty("note", out var note) ? note.GetString()! : $"{labels.Length} items";
            Golden.Close(expected[0], counts.MacroPrecision(), 1e-9, $"macro precision, {what}");
            Golden.Close(expected[1], counts.MacroRecall(), 1e-9, $"macro recall, {what}");
            Golden.Close(expected[2], counts.MacroF1(), 1e-9, $"macro F1, {what}");
            Golden.Close(c.Numbers(weighted)[2], counts.WeightedF1(), 1e-9, $"weighted F1, {what}");
            if (c.TryGetProperty("per_class", out var perClass))
            {
                var f1 = perClass.Numbers("f1");
                for (var label = 0; label < f1.Length; label++)
                {
                    Golden.Close(f1[label], counts.F1(label), 1e-9, $"F1 of {label}");
                    Assert.Equal(perClass.Integers("support")[label], counts.Support(label));
                }
            }
        }
    }

    [Fact]
    public void MacroF1_UnansweredItem_MissesItsLabelAndAddsNone()
    {
        var counts = new ConfusionCounts(2);
        counts.Add(0, 0);
        counts.Add(1, 1);
        counts.Add(1, -1);
        Golden.Close((1 + (2.0 / 3)) / 2, counts.MacroF1(), 1e-12, "macro F1");
    }
}
