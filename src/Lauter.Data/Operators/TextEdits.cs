using Lauter.Data.Operators.Edits;
using Lauter.Data.Redaction;
using Lauter.Data.Text;

namespace Lauter.Data.Operators;

/// <summary>The edits of a recipe that need nothing but the text itself, in recipe order. Not thread-safe: one for each worker.</summary>
internal sealed class TextEdits
{
    private readonly List<(OperatorCall Call, Func<string, string> Edit, bool AlsoCode)> _edits = [];

    /// <summary>Each edit by itself, in recipe order.</summary>
    public IReadOnlyList<(OperatorCall Call, Func<string, string> Edit, bool AlsoCode)> Steps => _edits;

    /// <param name="recipe">Whose edits.</param>
    /// <param name="frequencies">Of the corpus's lines; without them lines that stand in many texts are not known and stay.</param>
    public TextEdits(Recipe recipe, Rows.LineFrequencies? frequencies = null)
    {
        foreach (var call in recipe.Operators)
        {
            switch (call.Spec.Name)
            {
                case OperatorCatalog.RepairEncoding:
                    _edits.Add((call, Mojibake.Repair, true));
                    break;
                case OperatorCatalog.Normalise:
                    _edits.Add((call, Normaliser.Normalise, false));
                    break;
                case OperatorCatalog.RemoveBoilerplateLines when frequencies is not null:
                    var limit = Math.Max(call.Number("documents"), call.Number("share") * frequencies.Texts);
                    _edits.Add((call, text => LineEdits.WithoutFrequent(text, frequencies, limit), false));
                    break;
                case OperatorCatalog.RemoveHtml:
                    _edits.Add((call, InlineEdits.WithoutHtml, false));
                    break;
                case OperatorCatalog.RemoveLinks:
                    _edits.Add((call, InlineEdits.WithoutLinks, false));
                    break;
                case OperatorCatalog.RemoveEmoji:
                    _edits.Add((call, InlineEdits.WithoutEmoji, false));
                    break;
                case OperatorCatalog.RemoveCitations:
                    _edits.Add((call, InlineEdits.WithoutCitations, false));
                    break;
                case OperatorCatalog.RemoveCopyright:
                    _edits.Add((call, InlineEdits.WithoutCopyrightHeader, true));
                    break;
                case OperatorCatalog.RemoveLongWords:
                    var longest = (int)call.Number("longest");
                    _edits.Add((call, text => InlineEdits.WithoutLongWords(text, longest), false));
                    break;
                case OperatorCatalog.RemoveNoticeLines:
                    _edits.Add((call, LineEdits.WithoutBoilerplate, false));
                    break;
                case OperatorCatalog.RemoveRepeatedLines:
                    var shortest = (int)call.Number("shortest");
                    _edits.Add((call, text => LineEdits.WithoutRepeats(text, shortest), false));
                    break;
                case OperatorCatalog.RemoveC4Lines:
                    var words = (int)call.Number("words");
                    _edits.Add((call, text => LineEdits.C4(InlineEdits.WithoutCitations(text), words), false));
                    break;
                case OperatorCatalog.SimplifyScript:
                    _edits.Add((call, InlineEdits.Simplified, false));
                    break;
                case OperatorCatalog.RedactPersonalData:
                    var names = call.Choices("kinds");
                    var kinds = PersonalData.AllKinds.Where(k => names.Contains(PersonalData.NameOf(k))).ToHashSet();
                    _edits.Add((call, text => PersonalData.Redact(text, kinds, Redactions), true));
                    break;
            }
        }
    }

    /// <summary>What was masked so far, by kind.</summary>
    public Dictionary<PersonalDataKind, int> Redactions { get; } = [];

    /// <param name="text">A text or a block of one.</param>
    /// <param name="code">Code keeps its blanks.</param>
    public string Apply(string text, bool code = false)
    {
        foreach (var (_, edit, alsoCode) in _edits)
        {
            if (alsoCode || !code)
            {
                text = edit(text);
            }
        }

        return text;
    }
}
