using Lauter.Console.Texts;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lauter.Console.Reports;

/// <summary>Writes the page of a data run: one HTML file in every language of the console that needs no other file, no script and no network.</summary>
public static class DataReport
{
    /// <summary>The report as HTML.</summary>
    /// <param name="version">What it shows.</param>
    /// <param name="language">BCP 47 tag of the language that is shown first; the others are one click away.</param>
    public static async Task<string> RenderAsync(DataVersion version, string? language)
    {
        await using var services = new ServiceCollection().BuildServiceProvider();
        await using var renderer = new HtmlRenderer(services, NullLoggerFactory.Instance);
        var parameters = ParameterView.FromDictionary(new Dictionary<string, object?>
        {
            [nameof(DataReportDocument.Version)] = version,
            [nameof(DataReportDocument.First)] = ConsoleTexts.For(language).Language,
            [nameof(DataReportDocument.Style)] = ReleaseReport.ReadStyle(),
        });
        return await renderer.Dispatcher.InvokeAsync(async () => (await renderer.RenderComponentAsync<DataReportDocument>(parameters)).ToHtmlString());
    }
}
