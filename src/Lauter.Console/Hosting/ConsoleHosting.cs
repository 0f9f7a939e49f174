using Lauter.Console.Components;
using Lauter.Console.SignIn;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using MudBlazor.Services;

namespace Lauter.Console;

/// <summary>Puts the console into the program.</summary>
public static partial class ConsoleHosting
{
    internal const string Scheme = "lauter-console";
    internal const string StampClaim = "lauter:stamp";

    /// <summary>
    /// Adds the console's services. The program also registers an <see cref="IConsoleSource"/>, and its project file needs
    /// <c>RequiresAspNetWebAssets</c>, which brings the browser's side of the live connection. Serves the static assets of the build output
    /// when the program was not published, whatever the environment is called.
    /// </summary>
    public static WebApplicationBuilder AddConsole(this WebApplicationBuilder builder, ConsoleOptions options)
    {
        builder.WebHost.UseStaticWebAssets();
        var services = builder.Services;
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton(provider => new SignInGuard(
            options.Password.Matches, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<SignInGuard>>()));

        var keys = Directory.CreateDirectory(Path.Combine(options.StateDirectory, "console-keys"));
        if (!OperatingSystem.IsWindows())
        {
            keys.UnixFileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        }

        // The key ring lies unencrypted by intent: the folder's permissions protect it, as they protect the rest of the state.
        builder.Logging.AddFilter("Microsoft.AspNetCore.DataProtection.KeyManagement.XmlKeyManager", LogLevel.Error);
        services.AddDataProtection().SetApplicationName("Lauter.Console").PersistKeysToFileSystem(keys);
        services.AddAuthentication(Scheme).AddCookie(Scheme, cookie =>
        {
            cookie.Cookie.Name = "lauter-console";
            cookie.Cookie.HttpOnly = true;
            cookie.Cookie.SameSite = SameSiteMode.Strict;
            cookie.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            cookie.LoginPath = SignInEndpoints.Page;
            cookie.ReturnUrlParameter = "back";
            cookie.SlidingExpiration = true;
            cookie.ExpireTimeSpan = options.SignInLifetime;
            cookie.Events = new CookieAuthenticationEvents
            {
                OnValidatePrincipal = context =>
                {
                    // A new password ends every sign-in made with the old one.
                    if (context.Principal?.FindFirst(StampClaim)?.Value != options.Password.Stamp)
                    {
                        context.RejectPrincipal();
                    }

                    return Task.CompletedTask;
                },
            };
        });
        services.AddAuthorization();
        services.AddAntiforgery(antiforgery => antiforgery.Cookie.Name = "lauter-form");
        services.AddRazorComponents().AddInteractiveServerComponents();
        services.AddMudServices();
        return builder;
    }

    /// <summary>Maps <c>/</c>, <c>/sign-in</c>, <c>/sign-out</c>, the live connection and the static assets. Everything but the sign-in asks for the password.</summary>
    public static WebApplication MapConsole(this WebApplication app)
    {
        app.UseAuthentication();
        app.UseAuthorization();
        app.UseAntiforgery();
        MapAssets(app);
        SignInEndpoints.Map(app);
        app.MapRazorComponents<ConsoleApp>()
            .AddInteractiveServerRenderMode()
            .RequireAuthorization(new AuthorizeAttribute { AuthenticationSchemes = Scheme });
        return app;
    }

    private static void MapAssets(WebApplication app)
    {
        var manifest = Path.Combine(AppContext.BaseDirectory, app.Environment.ApplicationName + ".staticwebassets.endpoints.json");
        if (File.Exists(manifest))
        {
            app.MapStaticAssets(manifest);
        }
        else
        {
            // The pages still answer, without style and without refreshing: better than a program that does not start.
            LogNoAssets(app.Logger, manifest);
        }
    }

    [LoggerMessage(LogLevel.Error, "The console's style sheets and scripts are missing: {Manifest} is not there. Build or publish the program with the web SDK.")]
    private static partial void LogNoAssets(ILogger logger, string manifest);
}
