using Lauter.Console.Texts;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Lauter.Console.Components;

/// <summary>The language of a request: <c>?lang=</c>, else the cookie, else the browser's wish.</summary>
internal static class ConsoleLanguage
{
    public const string Query = "lang";
    public const string Cookie = "lauter-lang";

    public static ConsoleTexts Of(HttpContext context)
    {
        var asked = Asked(context.Request.Query);
        if (ConsoleTexts.Languages.Contains(asked, StringComparer.OrdinalIgnoreCase))
        {
            return ConsoleTexts.For(asked);
        }

        var kept = context.Request.Cookies[Cookie];
        if (kept is not null && ConsoleTexts.Languages.Contains(kept, StringComparer.OrdinalIgnoreCase))
        {
            return ConsoleTexts.For(kept);
        }

        var wish = context.Request.GetTypedHeaders().AcceptLanguage
            .OrderByDescending(language => language.Quality ?? 1)
            .Select(language => language.Value.Value)
            .FirstOrDefault(language => language is not null && (language.StartsWith("zh", StringComparison.OrdinalIgnoreCase) || language.StartsWith("en", StringComparison.OrdinalIgnoreCase)));
        return ConsoleTexts.For(wish);
    }

    /// <summary>The language in the address, or in the address that the sign-in leads back to.</summary>
    private static string Asked(IQueryCollection query)
    {
        var back = query["back"].ToString();
        var at = back.IndexOf('?', StringComparison.Ordinal);
        return query.ContainsKey(Query) || at < 0 ? query[Query].ToString() : QueryHelpers.ParseQuery(back[at..]).GetValueOrDefault(Query).ToString();
    }

    /// <summary>Remembers a language that was asked for in the address.</summary>
    public static void Keep(HttpContext context, ConsoleTexts texts)
    {
        if (context.Request.Query.ContainsKey(Query) && !context.Response.HasStarted)
        {
            context.Response.Cookies.Append(Cookie, texts.Language, new CookieOptions { MaxAge = TimeSpan.FromDays(365), SameSite = SameSiteMode.Lax, HttpOnly = true, IsEssential = true });
        }
    }
}
