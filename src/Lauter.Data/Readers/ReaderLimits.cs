namespace Lauter.Data.Readers;

/// <summary>What a single source file may cost. Sources are untrusted: beyond a limit a file becomes a reject row.</summary>
public sealed record ReaderLimits
{
    /// <summary>Bytes of one file, also inside a container. Default 64 MiB.</summary>
    public long MaximumBytes { get; init; } = 64L << 20;

    /// <summary>Characters of one document's text. Default 20 million.</summary>
    public int MaximumCharacters { get; init; } = 20_000_000;

    /// <summary>Entries of one zip file, Office files included. Default 10,000.</summary>
    public int MaximumZipEntries { get; init; } = 10_000;

    /// <summary>Bytes of all entries of one zip file together, unpacked. Default 256 MiB.</summary>
    public long MaximumUnpackedBytes { get; init; } = 256L << 20;

    /// <summary>Unpacked bytes for each packed byte, above 1 MiB unpacked. Default 200.</summary>
    public double MaximumZipRatio { get; init; } = 200;

    /// <summary>Containers in containers (zip in zip, mail in mail). Default 4.</summary>
    public int MaximumDepth { get; init; } = 4;

    /// <summary>Documents out of one source file. Default 2,000.</summary>
    public int MaximumDocuments { get; init; } = 2_000;

    /// <summary>Nesting of elements in HTML. Default 500.</summary>
    public int MaximumElementDepth { get; init; } = 500;

    /// <summary>Time for one source file. Default 60 seconds; checked between pages, blocks and entries.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);
}
