using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Lauter.Console.SignIn;

/// <summary>Signing in and out. The pages are Razor; these take the forms.</summary>
internal static class SignInEndpoints
{
    public const string Page = "/sign-in";
    public const string SignIn = "/console/sign-in";
    public const string SignOut = "/console/sign-out";
    private const int LongestBody = 4_096;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(SignIn, SignInAsync).AllowAnonymous();
        routes.MapPost(SignOut, SignOutAsync).AllowAnonymous();
    }

    private static async Task<IResult> SignInAsync(HttpContext context, IAntiforgery antiforgery, SignInGuard guard, ConsoleOptions options)
    {
        if (context.Request.ContentLength is not <= LongestBody || !context.Request.HasFormContentType)
        {
            return TypedResults.BadRequest();
        }

        if (!await antiforgery.IsRequestValidAsync(context))
        {
            return TypedResults.LocalRedirect(Page + "?fault=expired");
        }

        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        var back = LocalPath(form["back"].ToString());
        var address = context.Connection.RemoteIpAddress?.ToString() ?? "local";
        var outcome = await guard.TryAsync(address, form["password"].ToString(), context.RequestAborted);
        if (!outcome.Accepted)
        {
            var fault = outcome.LockedFor is { } left
                ? "?fault=locked&seconds=" + Math.Ceiling(left.TotalSeconds).ToString(CultureInfo.InvariantCulture)
                : "?fault=wrong";
            return TypedResults.LocalRedirect(Page + fault + "&back=" + Uri.EscapeDataString(back));
        }

        var identity = new ClaimsIdentity(
            [new Claim(ClaimTypes.Name, "operator"), new Claim(ConsoleHosting.StampClaim, options.Password.Stamp)], ConsoleHosting.Scheme);
        await context.SignInAsync(ConsoleHosting.Scheme, new ClaimsPrincipal(identity));
        return TypedResults.LocalRedirect(back);
    }

    private static async Task<IResult> SignOutAsync(HttpContext context, IAntiforgery antiforgery)
    {
        // Without the check another page could sign a person out; harmless, but nobody else's to do.
        if (await antiforgery.IsRequestValidAsync(context))
        {
            await context.SignOutAsync(ConsoleHosting.Scheme);
        }

        return TypedResults.LocalRedirect(Page);
    }

    /// <summary>A path on this server, never another host: <c>//host</c> and <c>/\host</c> lead away.</summary>
    internal static string LocalPath(string? path) =>
        path is ['/', ..] && (path.Length == 1 || path[1] is not ('/' or '\\')) && !path.Any(char.IsControl) ? path : "/";
}
