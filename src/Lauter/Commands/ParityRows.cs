using System.Text;
using System.Text.Json;
using Lauter.Models.Templates;
using Lauter.Models.Tokens;

namespace Lauter.Commands;

/// <summary>Rows of a dataset as the texts on which models are compared: plain lines, or JSON lines of any kind that training takes.</summary>
internal static class ParityRows
{
    public static IEnumerable<(string Name, string Text, bool Special)> Read(string path, ModelTokenizer tokenizer)
    {
        var number = 0;
        var template = tokenizer.ChatTemplate is { } source ? ChatTemplate.Parse(source) : null;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            var (text, special) = line.TrimStart().StartsWith('{') ? Row(line, $"{path}, line {number}", template, tokenizer) : (line, false);
            yield return ($"line {number}", text, special);
        }
    }

    private static (string Text, bool Special) Row(string line, string where, ChatTemplate? template, ModelTokenizer tokenizer)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var row = document.RootElement;
            if (row.TryGetProperty("messages", out var messages))
            {
                var options = new ChatRenderOptions
                {
                    BeginToken = tokenizer.Begin is { } begin ? Encoding.UTF8.GetString(tokenizer.PieceBytes(begin)) : null,
                    EndToken = tokenizer.End is { } end ? Encoding.UTF8.GetString(tokenizer.PieceBytes(end)) : null,
                };
                return template is null
                    ? throw new CommandException(ExitCodes.Usage, $"{where} is a conversation, but the model has no chat template.")
                    : (template.Render(messages, addGenerationPrompt: false, options).Text, true);
            }

            return row.TryGetProperty("text", out var text) ? (text.GetString()!, false)
                : row.TryGetProperty("prompt", out var prompt) ? (prompt.GetString() + (row.TryGetProperty("completion", out var completion) ? completion.GetString() : ""), false)
                : throw new CommandException(ExitCodes.InputMissing, $"{where} has none of text, prompt and messages.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new CommandException(ExitCodes.InputMissing, $"{where}: {exception.Message}");
        }
    }
}
