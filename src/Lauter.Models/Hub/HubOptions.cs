namespace Lauter.Models.Hub;

/// <summary>Kinds of hubs.</summary>
public enum HubKind
{
    /// <summary>huggingface.co and mirrors of it.</summary>
    HuggingFace,

    /// <summary>modelscope.cn.</summary>
    ModelScope,
}

/// <summary>How a model is fetched.</summary>
public sealed record HubOptions
{
    /// <summary>The protocol of the hub. Default: Hugging Face.</summary>
    public HubKind Kind { get; init; }

    /// <summary>The hub's address; null = the kind's own, or the environment variable HF_ENDPOINT or MODELSCOPE_ENDPOINT.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Other addresses of the same content, asked in turn when one does not answer. What they send must have the announced hashes.</summary>
    public IReadOnlyList<Uri> Mirrors { get; init; } = [];

    /// <summary>Access token; null = from HF_TOKEN or MODELSCOPE_API_TOKEN, or none.</summary>
    public string? Token { get; init; }

    /// <summary>The folder to fill; null = below the user's cache (LAUTER_CACHE moves it).</summary>
    public string? Folder { get; init; }

    /// <summary>Names of files to fetch (with * for any letters); empty = what a model needs: safetensors, configuration, tokenizer, card, licence.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>Never use the network: answer from the folder, its hashes checked.</summary>
    public bool Offline { get; init; }

    /// <summary>How often one file is tried again without any progress. 0 to 100, default 5.</summary>
    public int Retries { get; init; } = 5;

    /// <summary>Longest wait for the next bytes. Default: 60 s.</summary>
    public TimeSpan Stall { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>First pause before trying again; it doubles up to a minute. Default: 1 s.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Told of progress: file, bytes of it so far, its size. Called from the fetching thread.</summary>
    public Action<string, long, long>? Progress { get; init; }

    /// <summary>The clock of pauses and records.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
