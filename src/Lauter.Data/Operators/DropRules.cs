namespace Lauter.Data.Operators;

/// <summary>Compares scores with the thresholds of a recipe. Reads no text, so a changed threshold costs nothing to try.</summary>
internal static class DropRules
{
    /// <summary>The first operator that drops a text with these scores, its reason code and the detail for a person; null when the text stays.</summary>
    public static (string Operator, string Reason, string Detail)? Check(Recipe? recipe, Scores scores)
    {
        foreach (var call in recipe?.Operators ?? [])
        {
            var verdict = Check(call, scores);
            if (verdict is var (reason, detail))
            {
                return (call.Spec.Name, reason, detail);
            }
        }

        return null;
    }

    private static (string Reason, string Detail)? Check(OperatorCall call, Scores scores)
    {
        switch (call.Spec.Name)
        {
            case OperatorCatalog.DropShort:
                var minimum = call.Number("minimum", scores.Language);
                return scores.Words < minimum ? ("too_short", $"{scores.Words} words, {minimum:0.###} are the least for '{scores.Language}'.") : null;
            case OperatorCatalog.DropSymbols:
                var letters = call.Number("letters", scores.Language);
                return scores.Letters < letters ? ("mostly_symbols", $"{scores.Letters:0.000} of the characters are letters or digits, {letters:0.###} is the least for '{scores.Language}'.") : null;
            case OperatorCatalog.DropRepetitive:
                var repetition = call.Number("maximum", scores.Language);
                return scores.Repetition > repetition ? ("repetitive", $"{scores.Repetition:0.000} of the words repeat an earlier passage, {repetition:0.###} is the most for '{scores.Language}'.") : null;
            case OperatorCatalog.DropGarbled:
                var garbled = call.Number("maximum", scores.Language);
                return scores.Garbled > garbled ? ("garbled", $"{scores.Garbled:0.000} of the characters are unreadable, {garbled:0.###} is the most for '{scores.Language}'.") : null;
            case OperatorCatalog.DropLanguage:
                var keep = call.Choices("keep");
                return keep.Contains(scores.Language) ? null : ("other_language", $"the language is '{scores.Language}', kept are {string.Join(", ", keep)}.");
            default:
                return null;
        }
    }
}
