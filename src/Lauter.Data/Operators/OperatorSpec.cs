using System.Text.Json.Nodes;

namespace Lauter.Data.Operators;

/// <summary>Form of an operator's argument.</summary>
public enum ArgumentForm
{
    /// <summary>One number, or a mapping with <c>en</c>, <c>zh</c> and <c>und</c> where thresholds differ by language.</summary>
    NumberByLanguage,

    /// <summary>One number.</summary>
    Number,

    /// <summary>One of the choices.</summary>
    Choice,

    /// <summary>A list out of the choices.</summary>
    Choices,

    /// <summary>A name, such as that of a field, or nothing.</summary>
    Text,

    /// <summary>A list of words or phrases.</summary>
    Texts,

    /// <summary>The name of a file, relative to the recipe's own; the recipe's JSON holds the hash of its content.</summary>
    File,

    /// <summary>One or several names of files.</summary>
    Files,

    /// <summary>A mapping of texts to texts.</summary>
    Map,

    /// <summary>A mapping of texts to numbers.</summary>
    Weights,
}

/// <summary>One named argument.</summary>
/// <param name="Name">As written in a recipe.</param>
/// <param name="Form">Its type.</param>
/// <param name="Default">Value when the recipe leaves it out (canonical form: every recipe writes out all values in its JSON).</param>
/// <param name="Minimum">Lowest number, for numbers.</param>
/// <param name="Maximum">Highest number, for numbers.</param>
/// <param name="Options">Valid names, for choices.</param>
/// <param name="Summary">Meaning and unit.</param>
public sealed record ArgumentSpec(string Name, ArgumentForm Form, JsonNode Default, double Minimum, double Maximum, IReadOnlyList<string> Options, string Summary)
{
    /// <summary>There is no sensible default: a recipe must give it.</summary>
    public bool IsRequired { get; init; }
}

/// <summary>What an operator does to a row.</summary>
public enum OperatorKind
{
    /// <summary>Changes text. Edits stand before all others in a recipe.</summary>
    Edit,

    /// <summary>Compares a stored score with a threshold and drops the row.</summary>
    Drop,

    /// <summary>Looks at the whole row, not only its text: keeps, changes, drops or splits it. Edits may follow again.</summary>
    Row,

    /// <summary>Chooses among all rows that are left. Stands last.</summary>
    Select,
}

/// <summary>One operator that recipes may name.</summary>
/// <param name="Name">As written in a recipe.</param>
/// <param name="Version">Raised when the same arguments would give another result: step keys change with it.</param>
/// <param name="Kind">What it does.</param>
/// <param name="Documents">May stand in a recipe for documents of a project; every operator may stand in one for plain rows, but those for documents only.</param>
/// <param name="Examples">May stand in a recipe for examples of a project.</param>
/// <param name="Summary">One line for <c>--help</c> and documents.</param>
/// <param name="Arguments">Its arguments.</param>
public sealed record OperatorSpec(string Name, int Version, OperatorKind Kind, bool Documents, bool Examples, string Summary, IReadOnlyList<ArgumentSpec> Arguments);
