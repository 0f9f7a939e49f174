namespace Lauter.Models.Hub;

/// <summary>The protocol of a kind of hub: where its listings and files are, and how they read.</summary>
internal interface IHub
{
    /// <summary>Environment variables that may hold an access token, first wins.</summary>
    IReadOnlyList<string> TokenVariables { get; }

    /// <summary>Lists a model.</summary>
    Task<HubListing> ListAsync(HubTransport transport, Uri endpoint, HubReference model, CancellationToken cancellationToken);

    /// <summary>Where a file is.</summary>
    Uri FileAddress(Uri endpoint, HubReference model, string? commit, string path);
}
