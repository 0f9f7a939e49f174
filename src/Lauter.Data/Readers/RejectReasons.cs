namespace Lauter.Data.Readers;

/// <summary>Stable reason codes of readers, as they stand in the column <c>reason</c> of rejects.</summary>
public static class RejectReasons
{
    /// <summary>Damaged, encrypted, or not what its name says.</summary>
    public const string Unreadable = "unreadable";

    /// <summary>No bytes, or no text in it.</summary>
    public const string EmptyFile = "empty_file";

    /// <summary>A container that unpacks to too many entries, too many bytes, or too many for its size.</summary>
    public const string ZipBomb = "zip_bomb";

    /// <summary>Pages without a text layer, or with one that cannot be decoded.</summary>
    public const string NeedsOcr = "needs_ocr";

    /// <summary>Over a limit of <see cref="ReaderLimits"/>.</summary>
    public const string TooLarge = "too_large";

    /// <summary>Reading took longer than <see cref="ReaderLimits.Timeout"/>.</summary>
    public const string Timeout = "timeout";

    /// <summary>No reader for this kind of file.</summary>
    public const string UnsupportedFormat = "unsupported_format";

    /// <summary>A labelled row without one of its fields.</summary>
    public const string MissingField = "missing_field";
}
