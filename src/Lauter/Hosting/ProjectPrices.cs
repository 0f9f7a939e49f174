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
        var currency = project.Applications.Values.FirstOrDefault(a => a.Budget is not null)?.Budget?.Currency ?? "CNY";
        var result = PriceBook.FromJson(project.Prices, currency);
        return result.Book ?? throw new ProjectFileException(
            Path.Combine(project.Directory, ProjectFile.FileName), [.. result.Faults.Select(f => new YamlFault(1, 1, "prices", f))]);
    }
}
