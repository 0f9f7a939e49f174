using System.Text.Json.Nodes;
using Lauter.Data.Dedup;
using Lauter.Data.Operators.WholeRows;
using Lauter.Data.Operators.Selections;
using Lauter.Data.Redaction;

namespace Lauter.Data.Operators;

/// <summary>
/// Every operator a recipe may name. To add one that drops: a row in <c>DropOperators</c>; one that edits: a row here and its code in <c>TextEdits</c>; one
/// that looks at whole rows: a row in <c>RowOperators</c>.
/// </summary>
public static class OperatorCatalog
{
    internal const string RepairEncoding = "repair_encoding";
    internal const string Normalise = "normalise";
    internal const string RemoveNavigation = "remove_navigation";
    internal const string RemoveBoilerplateLines = "remove_boilerplate_lines";
    internal const string RemoveHtml = "remove_html";
    internal const string RemoveLinks = "remove_links";
    internal const string RemoveEmoji = "remove_emoji";
    internal const string RemoveCitations = "remove_citations";
    internal const string RemoveCopyright = "remove_copyright_header";
    internal const string RemoveLongWords = "remove_long_words";
    internal const string RemoveNoticeLines = "remove_notice_lines";
    internal const string RemoveRepeatedLines = "remove_repeated_lines";
    internal const string RemoveC4Lines = "remove_c4_lines";
    internal const string SimplifyScript = "simplify_script";
    internal const string RedactPersonalData = "redact_personal_data";
    internal const string DropLanguage = "drop_language";
    internal const string DropExactDuplicates = "drop_exact_duplicates";
    internal const string DropNearDuplicates = "drop_near_duplicates";
    internal const string ResolveLabels = "resolve_labels";

    private static readonly string[] KindNames = [.. PersonalData.AllKinds.Select(PersonalData.NameOf)];

    /// <summary>All operators.</summary>
    public static IReadOnlyList<OperatorSpec> All { get; } =
    [
        new(RepairEncoding, 2, OperatorKind.Edit, true, true, "Turns UTF-8 that was read as Latin-1, Windows-1252 or GBK, and GBK read as Latin-1 or Windows-1252, back into what was written.", []),
        new(Normalise, 1, OperatorKind.Edit, true, true, "NFC, full-width letters and digits to half width (Chinese punctuation stays), invisible characters away, blanks and line ends made plain.", []),
        new(RemoveNavigation, 1, OperatorKind.Edit, true, false, "Leaves out the blocks that the reader marked as navigation, cookie notice, page header or footer.", []),
        new(RemoveBoilerplateLines, 1, OperatorKind.Edit, true, false, "Leaves out lines that stand in many documents of the corpus.",
        [
            Number("share", 0.2, 0.01, 1, "Share of all documents from which a line counts as boilerplate."),
            Number("documents", 4, 2, 1_000_000, "Documents that must hold the line, whatever the share."),
        ]),
        new(RemoveHtml, 1, OperatorKind.Edit, true, true, "Takes tags, scripts, styles and comments out and decodes entities.", []),
        new(RemoveLinks, 1, OperatorKind.Edit, true, true, "Takes addresses of web pages out.", []),
        new(RemoveEmoji, 1, OperatorKind.Edit, true, true, "Takes emoji out.", []),
        new(RemoveCitations, 1, OperatorKind.Edit, true, true, "Takes marks such as [3] and [citation needed] out.", []),
        new(RemoveCopyright, 1, OperatorKind.Edit, true, true, "Takes a copyright or licence comment at the start of a text out.", []),
        new(RemoveLongWords, 1, OperatorKind.Edit, true, true, "Takes very long words out: encoded data, glued text. Scripts without blanks are left alone.",
            [Number("longest", 1000, 20, 1_000_000, "Characters of the longest word that stays.")]),
        new(RemoveNoticeLines, 1, OperatorKind.Edit, true, true, "Leaves out short lines of navigation, sharing, cookie, copyright, log-in and confidentiality notices, English and Chinese.", []),
        new(RemoveRepeatedLines, 1, OperatorKind.Edit, true, true, "Keeps the first of several equal lines of a text.", [Number("shortest", 10, 1, 10_000, "Characters; shorter lines may repeat.")]),
        new(RemoveC4Lines, 1, OperatorKind.Edit, true, true, "The line rules of C4 as FineWeb runs them: no lines about JavaScript or cookie policies, none with few words, no citation marks.",
            [Number("words", 3, 0, 100, "Least words of a line; Chinese lines are not counted.")]),
        new(SimplifyScript, 1, OperatorKind.Edit, true, true, "Traditional Chinese characters to simplified ones, one to one.", []),
        new(RedactPersonalData, 1, OperatorKind.Edit, true, true, "Replaces personal data by masks such as [EMAIL]; numbers with check digits must pass them.",
        [
            new ArgumentSpec("kinds", ArgumentForm.Choices, new JsonArray([.. KindNames.Select(n => (JsonNode)n)]), 0, 0, KindNames, "Kinds to replace."),
        ]),
        .. DropOperators.All.Select(o => o.Spec),
        new(DropExactDuplicates, 1, OperatorKind.Drop, true, true, "Keeps the first of several texts that are equal after folding of width, case and script.", []),
        new(DropNearDuplicates, 2, OperatorKind.Drop, true, true, "Keeps the first of several texts that are alike: MinHash candidates, exact Jaccard decides; clusters keep their size.",
        [
            Number("threshold", 0.8, NearDuplicates.LowestThreshold, 1, "Jaccard similarity of shingles from which a text is a copy."),
            new ArgumentSpec("unit", ArgumentForm.Choice, "words", 0, 0, ["words", "characters"], "What shingles are made of; characters suit texts of a few sentences."),
            Number("size", 3, 1, 32, "Units in a shingle; character shingles of Chinese texts are half as long."),
        ]),
        .. RowOperators.All.Select(o => o.Spec),
        .. Selection.Specs,
        new(ResolveLabels, 1, OperatorKind.Drop, false, true, "Among near-copies with different labels keeps the majority's label, that of reviewed rows first; a tie drops them all.", []),
    ];

    /// <summary>Whether the operator compares rows with each other, and so runs after all that looks at one row.</summary>
    internal static bool NeedsAllRows(string name) => name is DropExactDuplicates or DropNearDuplicates or ResolveLabels;

    internal static OperatorSpec? Find(string name) => All.FirstOrDefault(o => o.Name == name);

    private static ArgumentSpec Number(string name, double value, double minimum, double maximum, string summary) =>
        new(name, ArgumentForm.Number, value, minimum, maximum, [], summary);
}
