using System.Globalization;
using System.Text.Json.Nodes;

namespace Lauter.Data.Operators.WholeRows;

/// <summary>Every operator that looks at whole rows. To add one: a row here.</summary>
internal static class RowOperators
{
    public static IReadOnlyList<RowOperator> All { get; } =
    [
        new(
            Spec("require_fields", 1, "Drops rows that lack a member, or hold nothing or another type there.",
                Texts("fields", "Members that must be there and not empty; meta.source is a member of a member.") with { IsRequired = true },
                new ArgumentSpec("types", ArgumentForm.Map, new JsonObject(), 0, 0, [], "Member to its type: string, number, integer, boolean, array or object.")),
            FieldChecks.Open),
        new(
            Spec("check_schema", 1, "Drops rows that do not fit a JSON Schema. Keywords: type, enum, const, required, properties, additionalProperties, items, lengths, ranges, pattern, anyOf, allOf, oneOf, not; an unknown keyword is a fault, never ignored.",
                File("schema", "A JSON file with the schema.")),
            SchemaCheck.Open),
        new(
            Spec("clean_labels", 1, "Makes labels uniform: width and blanks, case, other spellings; labels that are not known are dropped or kept.",
                Text("field", "label", "Member with the label, or a list of labels."),
                new ArgumentSpec("case", ArgumentForm.Choice, "keep", 0, 0, ["keep", "lower", "upper"], "Case of the result."),
                new ArgumentSpec("aliases", ArgumentForm.Map, new JsonObject(), 0, 0, [], "Other spelling to label; compared without regard to case."),
                Texts("known", "Labels that there are; none listed: every label is known."),
                new ArgumentSpec("unknown", ArgumentForm.Choice, "drop", 0, 0, ["drop", "keep"], "What becomes of rows with another label.")),
            LabelCleaning.Open),
        new(
            Spec("sample", 1, "Keeps a share of the rows, drawn by the row's content and a seed: the same rows in any order, with any number of workers.",
                Number("share", 0.1, 0, 1, "Share that stays."),
                Number("seed", 1, 0, 9e15, "Another seed draws other rows.")),
            OpenSample),
        new(
            Spec("chunk_text", 1, "Splits a row into rows of bounded text, at paragraphs, else sentences, else words; ids get #1, #2 and so on.",
                Number("size", 300, 10, 100_000, "Most words of a part; a Han character counts as a word."),
                Number("overlap", 0, 0, 10_000, "Words of the end of a part that the next one repeats, in whole sentences; below half of the size.")),
            TextChunks.Open),
    ];

    private static Func<ReadOnlyMemory<byte>, RowChange> OpenSample(OperatorCall call, RowFields fields)
    {
        var (share, seed) = (call.Number("share"), (long)call.Number("seed"));
        return line => RowOperator.Draw(line.Span, seed) < share
            ? default
            : RowChange.Drop("sample", "not_sampled", string.Create(CultureInfo.InvariantCulture, $"a share of {share} was drawn with seed {seed}."));
    }

    private static OperatorSpec Spec(string name, int version, string summary, params ArgumentSpec[] arguments) => new(name, version, OperatorKind.Row, false, false, summary, arguments);

    private static ArgumentSpec Number(string name, double value, double minimum, double maximum, string summary) => new(name, ArgumentForm.Number, value, minimum, maximum, [], summary);

    private static ArgumentSpec Text(string name, string value, string summary) => new(name, ArgumentForm.Text, value, 0, 0, [], summary);

    private static ArgumentSpec Texts(string name, string summary) => new(name, ArgumentForm.Texts, new JsonArray(), 0, 0, [], summary);

    private static ArgumentSpec File(string name, string summary) => new(name, ArgumentForm.File, "", 0, 0, [], summary) { IsRequired = true };
}
