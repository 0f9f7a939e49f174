using Lauter.Models.Gguf;
using Lauter.Tests.Support;

namespace Lauter.Tests.Training.Jobs;

/// <summary>The story model with a chat template, which it has not of its own.</summary>
internal static class StoryChat
{
    public static string Write(string path)
    {
        using var file = GgufFile.Open(SharedData.Require("models/stories260k/stories260k-f32.gguf"));
        var writer = GgufWriter.Create(path).AddFrom(file.Metadata, key => key is not ("general.alignment" or "tokenizer.chat_template"));
        writer.Add("tokenizer.chat_template", "{% for message in messages %}{{ message.role + ': ' + message.content + eos_token }}{% endfor %}");
        foreach (var tensor in file.Tensors)
        {
            writer.AddTensor(tensor.Name, GgufTensorType.F32, [.. tensor.Shape], file.ReadFloat32(tensor.Name));
        }

        writer.Finish();
        return path;
    }
}
