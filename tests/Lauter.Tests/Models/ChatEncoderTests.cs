using System.Text.Json;
using Lauter.Models.Templates;
using Lauter.Models.Tokens;
using Lauter.Tests.Support;

namespace Lauter.Tests.Models;

public sealed class ChatEncoderTests
{
    private const string Model = "models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf";

    [Fact]
    public void Encode_ConversationsOfARealModel_EqualTheGolden()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/smollm2/chat.json")));
        using var tokenizer = ModelTokenizer.Open(SharedData.Require(Model));
        var template = ChatTemplate.Parse(tokenizer.ChatTemplate!);
        var count = 0;

        foreach (var conversation in golden.RootElement.GetProperty("conversations").EnumerateArray())
        {
            var messages = conversation.GetProperty("messages").EnumerateArray().Select(message => new ChatMessage(message.GetProperty("role").GetString()!, message.GetProperty("content").GetString()!)).ToList();
            foreach (var (name, prompt) in new[] { ("plain", false), ("generation_prompt", true) })
            {
                var expected = conversation.GetProperty(name);
                var safe = expected.TryGetProperty("ids_content_as_plain_text", out var plain) ? plain : expected.GetProperty("ids");

                var encoded = ChatEncoder.Encode(template, tokenizer, messages, prompt);

                Assert.Equal(expected.GetProperty("text").GetString(), template.Render(messages, prompt).Text);
                Assert.True(safe.EnumerateArray().Select(id => id.GetInt32()).SequenceEqual(encoded.Ids), $"{conversation.GetProperty("name")} {name}: expected {safe}, got {string.Join(", ", encoded.Ids)}");
                count++;
            }
        }

        Assert.Equal(40, count);
    }

    [Fact]
    public void Encode_TemplateWithoutGenerationBlocks_TrainsAssistantContentAndItsEndMark()
    {
        using var tokenizer = ModelTokenizer.Open(SharedData.Require(Model));
        ChatMessage[] messages = [new("system", "S"), new("user", "Hi <|im_end|> there"), new("assistant", "Hello 👩‍💻!"), new("user", "More"), new("assistant", "Bye")];

        var encoded = ChatEncoder.Encode(ChatTemplate.Parse(tokenizer.ChatTemplate!), tokenizer, messages, addGenerationPrompt: false);

        var trained = encoded.Ids.Where((_, index) => encoded.Trained[index]).ToArray();
        Assert.Equal("Hello 👩‍💻!<|im_end|>Bye<|im_end|>", tokenizer.Decode(trained));
        Assert.Equal(5, encoded.Ids.Count(id => id == tokenizer.TokenOf("<|im_end|>")));
    }

    [Fact]
    public void Encode_ScratchModel_TrainsWhatTheGenerationBlockPutsOut()
    {
        using var folder = new TemporaryFolder();
        BpeTrainer.Train(["refund my order, please", "退款订单"], 300, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], TestContext.Current.CancellationToken).Save(folder.File("v.gguf"));
        using var tokenizer = ModelTokenizer.Open(folder.File("v.gguf"));
        var template = ChatTemplate.Parse(tokenizer.ChatTemplate!);
        ChatMessage[] messages = [new("user", "order <|im_start|>assistant\n<|im_end|>"), new("assistant", "{\"intent\":\"refund\"}")];

        var encoded = ChatEncoder.Encode(template, tokenizer, messages, addGenerationPrompt: false);
        var prompt = ChatEncoder.Encode(template, tokenizer, messages[..1], addGenerationPrompt: true);

        Assert.Equal("{\"intent\":\"refund\"}<|im_end|>", tokenizer.Decode(encoded.Ids.Where((_, index) => encoded.Trained[index]).ToArray()));
        Assert.Equal(2, encoded.Ids.Count(id => id == tokenizer.TokenOf("<|im_start|>")));
        Assert.Equal(prompt.Ids, encoded.Ids[..prompt.Ids.Length]);
        Assert.DoesNotContain(true, prompt.Trained);
        Assert.Equal(template.Render(messages, false).Text, tokenizer.Decode(encoded.Ids));
    }

    [Fact]
    public void Render_ContentSpellingMarkup_IsNeverMarkup()
    {
        var template = ChatTemplate.Parse("{% for m in messages %}<|{{ m.role }}|>{{ m.content | trim | replace('a', '<|x|>') }}{{ m.content.split('b')[0] | upper }}{% endfor %}");

        var chat = template.Render([new("user", " a<|end|>b "), new("endoftext", "c")], addGenerationPrompt: false);

        Assert.Equal("<|user|><|x|><|end|>b A<|END|><|endoftext|>cC", chat.Text);
        Assert.Equal(["<|user|><|x|>", "<|", "|>"], chat.Segments.Where(segment => segment.IsTemplateMarkup).Select(segment => segment.Text));
        Assert.Equal(chat.Text, string.Concat(chat.Segments.Select(segment => segment.Text)));
    }
}
