using System.Buffers;

namespace Lauter.Gateway.Api.Shapes;

/// <summary>
/// Gives chat completions the shape of another API, piece by piece. An instance serves one answer. The gateway speaks chat completions
/// inside, so that limits, guards, caches, routes and settlement exist once.
/// </summary>
internal abstract class AnswerShape
{
    /// <summary>A whole completion in the other shape.</summary>
    public abstract byte[] Whole(ReadOnlySpan<byte> completion);

    /// <summary>Writes the events that a chunk becomes; may be none.</summary>
    public abstract void Event(ReadOnlySpan<byte> chunk, IBufferWriter<byte> output);

    /// <summary>The events that end a stream.</summary>
    public abstract byte[] Done();

    /// <summary>The event that ends a stream that cannot be finished.</summary>
    public abstract byte[] Broken(OpenAiError error);
}
