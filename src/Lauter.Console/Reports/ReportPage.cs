using Lauter.Console.Texts;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lauter.Console.Reports;

/// <summary>Renders a document into one HTML file in every language of the console that needs no other file, no script and no network.</summary>
internal static class ReportPage
{
    /// <typeparam name="TDocument">A component with the parameters <c>First</c> (language) and <c>Style</c> beside its own.</typeparam>
    /// <param name="member">The document's own parameter.</param>
    /// <param name="data">Its value.</param>
    /// <param name="language">BCP 47 tag of the language that is shown first.</param>
    public static async Task<string> RenderAsync<TDocument>(string member, object data, string? language)
        where TDocument : IComponent
    {
        await using var services = new ServiceCollection().BuildServiceProvider();
        await using var renderer = new HtmlRenderer(services, NullLoggerFactory.Instance);
        var parameters = ParameterView.FromDictionary(new Dictionary<string, object?>
        {
            [member] = data,
            [nameof(ReleaseReportDocument.First)] = ConsoleTexts.For(language).Language,
            [nameof(ReleaseReportDocument.Style)] = ReadStyle(),
        });
        return await renderer.Dispatcher.InvokeAsync(async () => (await renderer.RenderComponentAsync<TDocument>(parameters)).ToHtmlString());
    }

    private static string ReadStyle()
    {
        using var stream = typeof(ReportPage).Assembly.GetManifestResourceStream("Lauter.Console.console.css")
            ?? throw new InvalidOperationException("The style sheet is not in the assembly.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
