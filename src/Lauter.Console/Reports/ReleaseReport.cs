using Lauter.Console.Texts;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lauter.Console.Reports;

/// <summary>Writes acceptance reports: one HTML file in every language of the console that needs no other file, no script and no network.</summary>
public static class ReleaseReport
{
    /// <summary>The report as HTML.</summary>
    /// <param name="data">What it shows.</param>
    /// <param name="language">BCP 47 tag of the language that is shown first; the others are one click away.</param>
    public static async Task<string> RenderAsync(ReleaseReportData data, string? language)
    {
        await using var services = new ServiceCollection().BuildServiceProvider();
        await using var renderer = new HtmlRenderer(services, NullLoggerFactory.Instance);
        var parameters = ParameterView.FromDictionary(new Dictionary<string, object?>
        {
            [nameof(ReleaseReportDocument.Data)] = data,
            [nameof(ReleaseReportDocument.First)] = ConsoleTexts.For(language).Language,
            [nameof(ReleaseReportDocument.Style)] = ReadStyle(),
        });
        return await renderer.Dispatcher.InvokeAsync(async () => (await renderer.RenderComponentAsync<ReleaseReportDocument>(parameters)).ToHtmlString());
    }

    private static string ReadStyle()
    {
        using var stream = typeof(ReleaseReport).Assembly.GetManifestResourceStream("Lauter.Console.console.css")
            ?? throw new InvalidOperationException("The style sheet is not in the assembly.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
