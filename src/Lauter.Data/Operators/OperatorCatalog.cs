using System.Text.Json.Nodes;
using Lauter.Data.Dedup;
using Lauter.Data.Redaction;

namespace Lauter.Data.Operators;

/// <summary>Every operator a recipe may name. To add one: a row here, its code in <c>TextEdits</c> or <c>Scores</c>, a test.</summary>
public static class OperatorCatalog
{
    internal const string RepairEncoding = "repair_encoding";
    internal const string Normalise = "normalise";
    internal const string RemoveNavigation = "remove_navigation";
    internal const string RemoveBoilerplateLines = "remove_boilerplate_lines";
    internal const string RedactPersonalData = "redact_personal_data";
    internal const string DropShort = "drop_short";
    internal const string DropSymbols = "drop_symbols";
    internal const string DropRepetitive = "drop_repetitive";
    internal const string DropGarbled = "drop_garbled";
    internal const string DropLanguage = "drop_language";
    internal const string DropExactDuplicates = "drop_exact_duplicates";
    internal const string DropNearDuplicates = "drop_near_duplicates";
    internal const string ResolveLabels = "resolve_labels";

    private static readonly string[] KindNames = [.. PersonalData.AllKinds.Select(PersonalData.NameOf)];

    /// <summary>All operators.</summary>
    public static IReadOnlyList<OperatorSpec> All { get; } =
    [
        new(RepairEncoding, 1, OperatorKind.Edit, true, true, "Turns UTF-8 that was read as Latin-1, Windows-1252 or GBK, and GBK read as Latin-1, back into what was written.", []),
        new(Normalise, 1, OperatorKind.Edit, true, true, "NFC, full-width letters and digits to half width (Chinese punctuation stays), invisible characters away, blanks and line ends made plain.", []),
        new(RemoveNavigation, 1, OperatorKind.Edit, true, false, "Leaves out the blocks that the reader marked as navigation, cookie notice, page header or footer.", []),
        new(RemoveBoilerplateLines, 1, OperatorKind.Edit, true, false, "Leaves out lines that stand in many documents of the corpus.",
        [
            Number("share", 0.2, 0.01, 1, "Share of all documents from which a line counts as boilerplate."),
            Number("documents", 4, 2, 1_000_000, "Documents that must hold the line, whatever the share."),
        ]),
        new(RedactPersonalData, 1, OperatorKind.Edit, true, true, "Replaces personal data by masks such as [EMAIL]; numbers with check digits must pass them.",
        [
            new ArgumentSpec("kinds", ArgumentForm.Choices, new JsonArray([.. KindNames.Select(n => (JsonNode)n)]), 0, 0, KindNames, "Kinds to replace."),
        ]),
        new(DropShort, 1, OperatorKind.Drop, true, true, "Drops texts with fewer words; a Han character counts as a word.", [ByLanguage("minimum", 8, 15, 8, 0, 1_000_000, "Words.")]),
        new(DropSymbols, 1, OperatorKind.Drop, true, true, "Drops texts that are mostly signs; Chinese and English punctuation is not counted against a text.",
            [ByLanguage("letters", 0.5, 0.5, 0.4, 0, 1, "Lowest share of letters and digits among all characters that are neither blanks nor punctuation marks of prose.")]),
        new(DropRepetitive, 1, OperatorKind.Drop, true, true, "Drops texts that repeat themselves.",
            [ByLanguage("maximum", 0.5, 0.55, 0.5, 0, 1, "Highest share of words that lie in a run of 5 words (8 characters in Chinese) seen before in the text.")]),
        new(DropGarbled, 1, OperatorKind.Drop, true, true, "Drops texts with unreadable characters (U+FFFD, private use, broken encodings that could not be repaired).",
            [ByLanguage("maximum", 0.02, 0.02, 0.05, 0, 1, "Highest share of such characters.")]),
        new(DropLanguage, 1, OperatorKind.Drop, true, true, "Keeps only texts in the listed languages.",
            [new ArgumentSpec("keep", ArgumentForm.Choices, new JsonArray("en", "zh"), 0, 0, ["en", "zh", "und"], "Languages to keep.")]),
        new(DropExactDuplicates, 1, OperatorKind.Drop, true, true, "Keeps the first of several texts that are equal after folding of width, case and script.", []),
        new(DropNearDuplicates, 2, OperatorKind.Drop, true, true, "Keeps the first of several texts that are alike: MinHash candidates, exact Jaccard decides; clusters keep their size.",
        [
            Number("threshold", 0.8, NearDuplicates.LowestThreshold, 1, "Jaccard similarity of shingles from which a text is a copy."),
            new ArgumentSpec("unit", ArgumentForm.Choice, "words", 0, 0, ["words", "characters"], "What shingles are made of; characters suit texts of a few sentences."),
            Number("size", 3, 1, 32, "Units in a shingle; character shingles of Chinese texts are half as long."),
        ]),
        new(ResolveLabels, 1, OperatorKind.Drop, false, true, "Among near-copies with different labels keeps the majority's label, that of reviewed rows first; a tie drops them all.", []),
    ];

    internal static OperatorSpec? Find(string name) => All.FirstOrDefault(o => o.Name == name);

    private static ArgumentSpec Number(string name, double value, double minimum, double maximum, string summary) =>
        new(name, ArgumentForm.Number, value, minimum, maximum, [], summary);

    private static ArgumentSpec ByLanguage(string name, double english, double chinese, double undetermined, double minimum, double maximum, string summary) =>
        new(name, ArgumentForm.NumberByLanguage, new JsonObject { ["en"] = english, ["zh"] = chinese, ["und"] = undetermined }, minimum, maximum, [], summary);
}
