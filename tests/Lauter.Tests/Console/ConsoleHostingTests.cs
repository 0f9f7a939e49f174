using System.Net;
using System.Text.RegularExpressions;
using Lauter.Console;
using Lauter.Console.SignIn;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lauter.Tests.Console;

/// <summary>The console behind a real server on a free port.</summary>
public sealed partial class ConsoleHostingTests : IAsyncLifetime
{
    private readonly DirectoryInfo _state = Directory.CreateTempSubdirectory("lauter-console-");
    private WebApplication _app = null!;
    private HttpClient _client = null!;
    private string _password = "";

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory, EnvironmentName = "Production" });
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var password = ConsolePassword.OpenOrCreate(_state.FullName, TimeProvider.System, out var created);
        _password = created!;
        builder.AddConsole(new ConsoleOptions { Project = "helpdesk", StateDirectory = _state.FullName, Password = password });
        builder.Services.AddSingleton<IConsoleSource, FullSource>();
        _app = builder.Build();
        _app.MapConsole();
        _app.MapGet("/other", () => "open");
        await _app.StartAsync();
        _client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer() }) { BaseAddress = new Uri(_app.Urls.First()) };
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.DisposeAsync();
        _state.Delete(recursive: true);
    }

    [Fact]
    public async Task Flow_WithoutSignIn_LeadsToTheSignIn()
    {
        using var flow = await _client.GetAsync("/", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Found, flow.StatusCode);
        Assert.Equal("/sign-in?back=%2F", flow.Headers.Location!.PathAndQuery);
        using var live = await _client.PostAsync("/_blazor/negotiate?negotiateVersion=1", null, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Unauthorized, live.StatusCode);
        Assert.Equal("open", await _client.GetStringAsync("/other", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task SignIn_RightPassword_ShowsTheFlow()
    {
        using var answer = await SignInAsync(_password, back: "/?lang=zh-CN");
        Assert.Equal(HttpStatusCode.Found, answer.StatusCode);
        Assert.Equal("/?lang=zh-CN", answer.Headers.Location!.OriginalString);
        using var page = await _client.GetAsync("/?lang=zh-CN", TestContext.Current.CancellationToken);
        var html = await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("lang=\"zh-CN\"", html, StringComparison.Ordinal);
        Assert.Contains("账单", WebUtility.HtmlDecode(html), StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", string.Join(';', page.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);

        // The language stays without being asked for again.
        Assert.Contains("lang=\"zh-CN\"", await _client.GetStringAsync("/", TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SignInPage_OnTheWayToAChinesePage_IsChinese() =>
        Assert.Contains("lang=\"zh-CN\"", await _client.GetStringAsync("/sign-in?back=%2F%3Flang%3Dzh-CN", TestContext.Current.CancellationToken), StringComparison.Ordinal);

    [Fact]
    public async Task SignIn_WrongPassword_SaysSoAndSetsNoCookie()
    {
        using var answer = await SignInAsync("wrong", back: "//elsewhere.example");
        Assert.Equal("/sign-in?fault=wrong&back=%2F", answer.Headers.Location!.OriginalString);
        Assert.DoesNotContain(answer.Headers.TryGetValues("Set-Cookie", out var cookies) ? cookies : [], cookie => cookie.StartsWith("lauter-console=", StringComparison.Ordinal));
    }

    [Fact]
    public async Task SignIn_WithoutTheFormsToken_IsRefused()
    {
        using var form = new FormUrlEncodedContent([new("password", _password)]);
        using var answer = await _client.PostAsync("/console/sign-in", form, TestContext.Current.CancellationToken);
        Assert.Equal("/sign-in?fault=expired", answer.Headers.Location!.OriginalString);
        using var flow = await _client.GetAsync("/", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Found, flow.StatusCode);
    }

    [Fact]
    public async Task SignIn_HugeBody_IsRefusedUnread()
    {
        using var form = new FormUrlEncodedContent([new("password", new string('x', 100_000))]);
        using var answer = await _client.PostAsync("/console/sign-in", form, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    private async Task<HttpResponseMessage> SignInAsync(string password, string back)
    {
        var page = await _client.GetStringAsync("/sign-in", TestContext.Current.CancellationToken);
        var token = Token().Match(page).Groups[1].Value;
        Assert.NotEmpty(token);
        using var form = new FormUrlEncodedContent([new("password", password), new("back", back), new("__RequestVerificationToken", token)]);
        return await _client.PostAsync("/console/sign-in", form, TestContext.Current.CancellationToken);
    }

    [GeneratedRegex("__RequestVerificationToken\" value=\"([^\"]+)", RegexOptions.None, 1000)]
    private static partial Regex Token();

    private sealed class FullSource : IConsoleSource
    {
        public ValueTask<ConsoleSnapshot> GetAsync(string project, CancellationToken cancellationToken) => ValueTask.FromResult(SampleSnapshot.Full);
    }
}
