using Lauter.Inference.Native;
using Lauter.Models.Templates;

namespace Lauter.Inference.Wire;

/// <summary>Turns messages into the tokens that the model was trained to see.</summary>
internal sealed class ChatFormat
{
    private ChatFormat()
    {
    }

    public static ChatFormat Open(LoadedModel model)
    {
        _ = model;
        return new ChatFormat();
    }

    public int[] Encode(IReadOnlyList<ChatMessage> messages) =>
        throw new WireException(400, "chat_unsupported", $"This model has no chat template for {messages.Count} messages.");
}
