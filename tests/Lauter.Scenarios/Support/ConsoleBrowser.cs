using Microsoft.Playwright;

namespace Lauter.Scenarios.Support;

/// <summary>Signs in to the console with a real browser and looks at the page in both languages.</summary>
public static class ConsoleBrowser
{
    /// <summary>Debian's Chromium, or the path in <c>LAUTER_CHROMIUM</c>.</summary>
    public static string Executable { get; } = Environment.GetEnvironmentVariable("LAUTER_CHROMIUM") ?? "/usr/bin/chromium";

    public static async Task LookAsync(string address, string password)
    {
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Executable,
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
        var page = await browser.NewPageAsync();
        var faults = new List<string>();
        page.Response += (_, response) =>
        {
            if (response.Status >= 400)
            {
                faults.Add($"{response.Status} {response.Url}");
            }
        };
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(address, StringComparison.Ordinal) && !request.Url.StartsWith("data:", StringComparison.Ordinal))
            {
                faults.Add($"a request to another host: {request.Url}");
            }
        };

        await page.GotoAsync(address + "/?lang=en");
        await page.FillAsync("#password", "wrong-password");
        await page.ClickAsync("button[type=submit]");
        Assert.Contains("sign-in", page.Url);
        await page.FillAsync("#password", password);
        await page.ClickAsync("button[type=submit]");
        await page.WaitForSelectorAsync(".flow");
        var english = await page.TextContentAsync("body") ?? "";
        Assert.Contains("triage-1", english);
        Assert.Contains("Scorecard", english);
        Assert.Contains("near copy of a kept one", english);

        await page.GotoAsync(address + "/?lang=zh-CN");
        await page.WaitForSelectorAsync(".flow");
        var chinese = await page.TextContentAsync("body") ?? "";
        Assert.Contains("triage-1", chinese);
        Assert.Contains("关卡", chinese);
        Assert.Empty(faults);
    }
}
