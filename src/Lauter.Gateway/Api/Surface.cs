namespace Lauter.Gateway.Api;

/// <summary>A route of OpenAI's surface that names a model and is forwarded to providers.</summary>
/// <param name="Path">The path at a provider, behind its base address.</param>
/// <param name="Route">The name in traces.</param>
/// <param name="Question">The member that holds what is asked.</param>
/// <param name="Generates">It generates tokens: it can stream, and its output is limited.</param>
internal sealed record Surface(string Path, string Route, string Question, bool Generates)
{
    public static readonly Surface Chat = new("chat/completions", "chat.completions", "messages", true);
    public static readonly Surface Completions = new("completions", "completions", "prompt", true);
    public static readonly Surface Embeddings = new("embeddings", "embeddings", "input", false);
    public static readonly Surface Rerank = new("rerank", "rerank", "documents", false);
}
