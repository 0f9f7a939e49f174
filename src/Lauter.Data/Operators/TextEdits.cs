using System.Text;
using Lauter.Data.Redaction;
using Lauter.Data.Text;

namespace Lauter.Data.Operators;

/// <summary>The edits of a recipe that need nothing but the text itself, in recipe order. Not thread-safe: one for each worker.</summary>
internal sealed class TextEdits
{
    private readonly List<(Func<string, string> Edit, bool AlsoCode)> _edits = [];

    public TextEdits(Recipe recipe)
    {
        foreach (var call in recipe.Operators)
        {
            switch (call.Spec.Name)
            {
                case OperatorCatalog.RepairEncoding:
                    _edits.Add((Mojibake.Repair, true));
                    break;
                case OperatorCatalog.Normalise:
                    _edits.Add((Normaliser.Normalise, false));
                    break;
                case OperatorCatalog.RedactPersonalData:
                    var names = call.Choices("kinds");
                    var kinds = PersonalData.AllKinds.Where(k => names.Contains(PersonalData.NameOf(k))).ToHashSet();
                    _edits.Add((text => PersonalData.Redact(text, kinds, Redactions), true));
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
        foreach (var (edit, alsoCode) in _edits)
        {
            if (alsoCode || !code)
            {
                text = edit(text);
            }
        }

        return text;
    }
}
