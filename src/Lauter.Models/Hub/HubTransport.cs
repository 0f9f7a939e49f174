using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Lauter.Models.Hub;

/// <summary>
/// HTTP as hubs need it: redirects are followed here, so that the token goes to the hub's own host only and never over an unencrypted hop; answers have a size limit;
/// statuses become faults with a way out.
/// </summary>
internal sealed class HubTransport(HttpClient client, string? token, string tokenVariable)
{
    private const int MostRedirects = 8;
    private const long MostJsonBytes = 64 << 20;

    /// <summary>A JSON answer and the next page, if its <c>Link</c> header names one on the same host.</summary>
    public async Task<(JsonDocument Document, Uri? Next)> JsonAsync(Uri address, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(address, range: null, cancellationToken);
        if (response.Content.Headers.ContentLength > MostJsonBytes)
        {
            throw new HubException(HubFault.BadAnswer, $"{address}: the answer has {response.Content.Headers.ContentLength} bytes; at most {MostJsonBytes} are read.");
        }

        try
        {
            await response.Content.LoadIntoBufferAsync(MostJsonBytes, cancellationToken);
            var document = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(cancellationToken), new JsonDocumentOptions { MaxDepth = 64 }, cancellationToken);
            return (document, Next(response, address));
        }
        catch (JsonException exception)
        {
            throw new HubException(HubFault.BadAnswer, $"{address}: the answer is no JSON: {exception.Message}", exception);
        }
    }

    /// <summary>The answer to a GET, headers read, body not; the caller disposes it.</summary>
    public async Task<HttpResponseMessage> SendAsync(Uri address, (long From, string? Tag)? range, CancellationToken cancellationToken)
    {
        var current = address;
        for (var hop = 0; hop <= MostRedirects; hop++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, current);
            if (token is not null && IsSameHost(current, address))
            {
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            }

            if (range is { From: > 0 } part)
            {
                request.Headers.Range = new RangeHeaderValue(part.From, null);
                if (part.Tag is not null && EntityTagHeaderValue.TryParse(part.Tag, out var tag) && !tag.IsWeak)
                {
                    request.Headers.IfRange = new RangeConditionHeaderValue(tag);
                }
            }

            var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (response.StatusCode is HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect && response.Headers.Location is { } location)
            {
                response.Dispose();
                var target = new Uri(current, location);
                current = target.Scheme == Uri.UriSchemeHttps || (target.Scheme == Uri.UriSchemeHttp && current.Scheme == Uri.UriSchemeHttp)
                    ? target
                    : throw new HubException(HubFault.BadAnswer, $"{address}: redirected to {target.GetLeftPart(UriPartial.Path)}, which is less safe than where it came from.");
                continue;
            }

            if (response.IsSuccessStatusCode || response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            {
                return response;
            }

            using (response)
            {
                throw Fault(response.StatusCode, address);
            }
        }

        throw new HubException(HubFault.BadAnswer, $"{address}: more than {MostRedirects} redirects.");
    }

    private static bool IsSameHost(Uri one, Uri other) => one.Scheme == other.Scheme && one.Host == other.Host && one.Port == other.Port;

    private Exception Fault(HttpStatusCode status, Uri address) => status switch
    {
        HttpStatusCode.Unauthorized => new HubException(HubFault.Refused, $"{address}: the hub answers 401; {(token is null ? $"set {tokenVariable} to an access token (a model that does not exist is answered so, too)" : $"the token in {tokenVariable} is not accepted")}."),
        HttpStatusCode.Forbidden => new HubException(HubFault.Refused, $"{address}: the hub answers 403; accept the model's terms on its page with the account whose token is in {tokenVariable}."),
        HttpStatusCode.NotFound => new HubException(HubFault.NotFound, $"{address}: the hub answers 404; check the spelling of owner, name, revision and file."),
        _ => new HttpRequestException($"{address}: the hub answers {(int)status}.", null, status),
    };

    private static Uri? Next(HttpResponseMessage response, Uri address)
    {
        foreach (var link in response.Headers.TryGetValues("Link", out var values) ? values.SelectMany(value => value.Split(',')) : [])
        {
            if (link.Contains("rel=\"next\"", StringComparison.Ordinal) && link.IndexOf('<', StringComparison.Ordinal) is >= 0 and var start && link.IndexOf('>', StringComparison.Ordinal) is var end && end > start
                && Uri.TryCreate(address, link[(start + 1)..end], out var next))
            {
                return IsSameHost(next, address) ? next : throw new HubException(HubFault.BadAnswer, $"{address}: the next page is said to be on another host, {next.Host}.");
            }
        }

        return null;
    }
}
