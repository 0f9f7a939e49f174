namespace Lauter.Console.Reports;

/// <summary>Writes acceptance reports: one HTML file in every language of the console that needs no other file, no script and no network.</summary>
public static class ReleaseReport
{
    /// <summary>What a report adds to the console's style: one language at a time, and how it prints.</summary>
    internal const string PageStyle = """

        body.report { max-width: 60rem; margin: 0 auto; padding: 1.5rem clamp(.75rem, 3vw, 2rem) 4rem; }
        .report > input { position: absolute; opacity: 0; }
        .report article { display: none; }
        #show-en:checked ~ article[lang=en], #show-zh-CN:checked ~ article[lang=zh-CN] { display: block; }
        .report label { cursor: pointer; color: var(--wort); float: right; }
        .report h1 { font-size: 1.6rem; margin: 0; } .report h2 { margin: 2rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--line); }
        .report .evidence { max-height: none; } .report td code { word-break: break-all; }
        @media print { .report label { display: none; } .report details:not([open]) > :not(summary) { display: block; } body.report { max-width: none; padding: 0; } .block { break-inside: avoid; } }
        """;

    /// <summary>The report as HTML.</summary>
    /// <param name="data">What it shows.</param>
    /// <param name="language">BCP 47 tag of the language that is shown first; the others are one click away.</param>
    public static Task<string> RenderAsync(ReleaseReportData data, string? language) =>
        ReportPage.RenderAsync<ReleaseReportDocument>(nameof(ReleaseReportDocument.Data), data, language);
}
