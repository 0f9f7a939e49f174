namespace Lauter.Data;

/// <summary>One file of the user.</summary>
/// <param name="RelativePath">Relative to the project, forward slashes: what rows and reports show.</param>
/// <param name="FullPath">Where it lies.</param>
public sealed record SourceFile(string RelativePath, string FullPath);

/// <summary>How far a phase has come.</summary>
/// <param name="Stage">Name of what is being done, for example <c>read</c>.</param>
/// <param name="Done">Items finished.</param>
/// <param name="Total">Items in all, 0 while unknown.</param>
public sealed record DataProgress(string Stage, int Done, int Total);
