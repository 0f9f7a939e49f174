using System.ClientModel;
using System.Text.Json;
using OpenAI;
using OpenAI.Chat;

namespace Lauter.Bench;

/// <summary>The official .NET client, unmodified, against an engine alone: plain, streaming, tools, JSON schema, log-probabilities, errors, abort, vectors.</summary>
internal static class EngineClients
{
    private const string Schema = """{"type":"object","properties":{"colour":{"enum":["blue","grey"]},"数":{"type":"integer","minimum":1,"maximum":9}},"required":["colour","数"],"additionalProperties":false}""";

    public static async Task<int> RunAsync(string engine, string? encoder)
    {
        var client = new OpenAIClient(new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri($"{engine}/v1") });
        var model = (await client.GetOpenAIModelClient().GetModelsAsync()).Value[0].Id;
        var chat = client.GetChatClient(model);
        ChatMessage[] messages = [new UserChatMessage("Name a colour of the sky.")];

        var plain = (await chat.CompleteChatAsync(messages, new ChatCompletionOptions { MaxOutputTokenCount = 12, Temperature = 0 })).Value;
        Check(plain.Usage.OutputTokenCount > 0, "plain");
        var streamed = "";
        await foreach (var update in chat.CompleteChatStreamingAsync(messages, new ChatCompletionOptions { MaxOutputTokenCount = 12, Temperature = 0 }))
        {
            streamed += string.Concat(update.ContentUpdate.Select(part => part.Text));
        }

        Check(streamed == plain.Content[0].Text, "streaming");
        var structured = (await chat.CompleteChatAsync(messages, new ChatCompletionOptions
        {
            MaxOutputTokenCount = 80, ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat("sky", BinaryData.FromString(Schema), jsonSchemaIsStrict: true),
        })).Value;
        using var document = JsonDocument.Parse(structured.Content[0].Text);
        Check(document.RootElement.GetProperty("数").GetInt32() is >= 1 and <= 9, "JSON schema");
        var tool = ChatTool.CreateFunctionTool("look", "Looks at the sky.", BinaryData.FromString(Schema), functionSchemaIsStrict: true);
        var called = (await chat.CompleteChatAsync(messages, new ChatCompletionOptions { MaxOutputTokenCount = 80, Tools = { tool }, ToolChoice = ChatToolChoice.CreateRequiredChoice() })).Value;
        Check(called.FinishReason == ChatFinishReason.ToolCalls && called.ToolCalls[0].FunctionName == "look", "tools");
        var scored = (await chat.CompleteChatAsync(messages, new ChatCompletionOptions { MaxOutputTokenCount = 5, IncludeLogProbabilities = true, TopLogProbabilityCount = 2 })).Value;
        Check(scored.ContentTokenLogProbabilities.All(token => token.TopLogProbabilities.Count == 2), "log-probabilities");
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        var aborted = await Fails<OperationCanceledException>(() => chat.CompleteChatAsync(messages, new ChatCompletionOptions { MaxOutputTokenCount = 400 }, soon.Token));
        Check(aborted is not null, "abort");
        var refused = await Fails<ClientResultException>(() => chat.CompleteChatAsync(messages, new ChatCompletionOptions { MaxOutputTokenCount = 1_000_000 }));
        Check(refused?.Status == 400, "error");
        if (encoder is not null)
        {
            var vectors = new OpenAIClient(new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri($"{encoder}/v1") }).GetEmbeddingClient("e5");
            var both = (await vectors.GenerateEmbeddingsAsync(["query: sky", "query: 天空"])).Value;
            Check(both.Count == 2 && both[0].ToFloats().Length == both[1].ToFloats().Length, "embeddings");
        }

        return 0;
    }

    private static async Task<T?> Fails<T>(Func<Task> run)
        where T : Exception
    {
        try
        {
            await run();
            return null;
        }
        catch (T error)
        {
            return error;
        }
    }

    private static void Check(bool holds, string name)
    {
        Console.WriteLine($"{(holds ? "passed" : "FAILED")}  {name}");
        if (!holds)
        {
            throw new InvalidOperationException($"{name} does not work");
        }
    }
}
