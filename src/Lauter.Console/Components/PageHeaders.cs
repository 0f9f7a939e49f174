using Microsoft.AspNetCore.Http;

namespace Lauter.Console.Components;

/// <summary>Headers of every page: nothing from elsewhere is loaded, and nobody frames it.</summary>
internal static class PageHeaders
{
    // Styles inside the page are needed by the component library and by the charts; scripts inside the page are not allowed.
    private const string Policy =
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

    public static void Set(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
    }
}
