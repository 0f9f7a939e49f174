namespace Lauter.Console.Reports;

/// <summary>Writes the page of a data run: one HTML file in every language of the console that needs no other file, no script and no network.</summary>
public static class DataReport
{
    /// <summary>The report as HTML.</summary>
    /// <param name="version">What it shows.</param>
    /// <param name="language">BCP 47 tag of the language that is shown first; the others are one click away.</param>
    public static Task<string> RenderAsync(DataVersion version, string? language) =>
        ReportPage.RenderAsync<DataReportDocument>(nameof(DataReportDocument.Version), version, language);
}
