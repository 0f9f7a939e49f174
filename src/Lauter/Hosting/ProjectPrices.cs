using Lauter.Catalog.Projects;
using Lauter.Ledger;

namespace Lauter.Hosting;

/// <summary>The price book of a project.</summary>
internal static class ProjectPrices
{
    /// <summary>From the section <c>prices</c>, else the built-in assumptions (marked as such in every bill).</summary>
    /// <exception cref="ProjectFileException">The section has faults.</exception>
    public static PriceBook Of(Project project)
    {
        if (project.Prices is null)
        {
            return PriceBook.Default;
        }

        var result = PriceBook.FromJson(project.Prices);
        return result.Book ?? throw new ProjectFileException(
            Path.Combine(project.Directory, ProjectFile.FileName), [.. result.Faults.Select(f => new YamlFault(1, 1, "prices", f))]);
    }
}
