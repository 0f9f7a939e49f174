using System.CommandLine;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Models.Gguf;
using Lauter.Models.Templates;
using Lauter.Models.Tokens;

namespace Lauter.Commands;

/// <summary><c>lauter model render</c>: a conversation as the model will read it.</summary>
internal static class ModelRenderCommand
{
    public static Command Create()
    {
        var model = new Argument<string>("model") { Description = "A GGUF file, or a Jinja template." };
        var messages = new Option<string>("--messages") { Description = "JSON: a list of messages, or an object with messages and further variables like tools.", Required = true };
        var prompt = new Option<bool>("--generation-prompt") { Description = "End where the assistant is to begin." };
        var ids = new Option<bool>("--ids") { Description = "Show token ids too, and which of them bear loss in training (needs a GGUF file)." };
        var format = Arguments.Format();
        var command = new Command("render", "Render a conversation by the model's own chat template.") { model, messages, prompt, ids, format };
        command.SetAction(result =>
        {
            var path = ModelCommand.Existing(result.GetValue(model)!);
            using var tokenizer = Path.GetExtension(path) is ".jinja" or ".j2" or ".txt" ? null : ModelTokenizer.Open(path);
            var template = Template(path, tokenizer);
            if (result.GetValue(ids) && tokenizer is null)
            {
                throw new CommandException(ExitCodes.Usage, "--ids needs a model with a vocabulary; a template alone has none.");
            }

            var (conversation, options) = Conversation(result.GetValue(messages)!, tokenizer);
            var chat = template.Render(conversation, result.GetValue(prompt), options);
            var encoded = result.GetValue(ids) ? ChatEncoder.Encode(tokenizer!, chat, extendsToEndMark: !template.MarksGeneration) : null;
            Write(chat, encoded, result.GetValue(format) == "json");
            return ExitCodes.Success;
        });
        return command;
    }

    private static ChatTemplate Template(string path, ModelTokenizer? tokenizer)
    {
        try
        {
            return ChatTemplate.Parse(tokenizer is null ? File.ReadAllText(path) : tokenizer.ChatTemplate ?? throw new CommandException(ExitCodes.InputMissing, $"{path} has no chat template; give a Jinja file instead."));
        }
        catch (TemplateException exception)
        {
            throw new CommandException(ExitCodes.Failure, $"{path}: {exception.Message}");
        }
    }

    private static (JsonElement Messages, ChatRenderOptions Options) Conversation(string path, ModelTokenizer? tokenizer)
    {
        try
        {
            var root = JsonNode.Parse(File.ReadAllText(ModelCommand.Existing(path)));
            var variables = root as JsonObject;
            var messages = variables?["messages"] ?? root!;
            variables?.Remove("messages");
            return (JsonSerializer.SerializeToElement(messages), new ChatRenderOptions
            {
                Variables = variables,
                BeginToken = tokenizer?.Begin is { } begin ? Encoding.UTF8.GetString(tokenizer.PieceBytes(begin)) : null,
                EndToken = tokenizer?.End is { } end ? Encoding.UTF8.GetString(tokenizer.PieceBytes(end)) : null,
            });
        }
        catch (JsonException exception)
        {
            throw new CommandException(ExitCodes.InputMissing, $"{path} is no JSON: {exception.Message}");
        }
    }

    private static void Write(RenderedChat chat, EncodedChat? encoded, bool json)
    {
        if (json)
        {
            Arguments.WriteJson(new JsonObject
            {
                ["text"] = chat.Text,
                ["segments"] = new JsonArray([.. chat.Segments.Select(segment => (JsonNode)new JsonObject { ["text"] = segment.Text, ["markup"] = segment.IsTemplateMarkup, ["trained"] = segment.IsAssistantContent })]),
                ["ids"] = encoded is null ? null : new JsonArray([.. encoded.Ids.Select(id => (JsonNode)id)]),
                ["trained"] = encoded is null ? null : new JsonArray([.. encoded.Trained.Select(mark => (JsonNode)mark)]),
            });
            return;
        }

        System.Console.Out.Write(chat.Text);
        if (encoded is not null)
        {
            System.Console.WriteLine($"\n{string.Join(' ', encoded.Ids)}\n{encoded.Trained.Count(mark => mark)} of {encoded.Ids.Length} tokens bear loss");
        }
    }
}
