using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Lauter.Inference.Tools;

namespace Lauter.Tests.Inference;

/// <summary>Tool calls: what the two families write is read however it is cut, and the engine's own answers are held to the tools.</summary>
public sealed class ToolCallTests(WideEngineFixture fixture) : IClassFixture<WideEngineFixture>
{
    private static readonly IReadOnlyList<Tool> Tools = [new("weather", default, false), new("time", default, false)];

    [Theory]
    [InlineData("<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"北京\"}}\n</tool_call>", "", "weather {\"city\": \"北京\"}")]
    [InlineData("Let me see.\n<tool_call>{\"name\":\"weather\",\"arguments\":{}}</tool_call>\n<tool_call>{\"name\":\"time\",\"arguments\":\"{}\"}</tool_call>", "Let me see.\n\n", "weather {}|time {}")]
    [InlineData("<tool_call>{\"name\":\"weather\",\"arguments\":{\"city\":\"x\"}}", "", "weather {\"city\":\"x\"}")]
    [InlineData("1 < 2 <tool", "1 < 2 <tool", "")]
    [InlineData("<tool_call>{\"name\":\"unknown\",\"arguments\":{}}</tool_call>", "<tool_call>{\"name\":\"unknown\",\"arguments\":{}}</tool_call>", "")]
    [InlineData("<tool_call>no json</tool_call> after", "<tool_call>no json</tool_call> after", "")]
    public void Hermes_AnyCuts_GiveTheSameTextAndCalls(string answer, string text, string calls) => Check(ToolDialect.Hermes, answer, text, calls);

    [Theory]
    [InlineData("{\"name\": \"weather\", \"parameters\": {\"city\": \"x\"}}", "", "weather {\"city\": \"x\"}")]
    [InlineData("It is {\"name\": \"weather\"}", "It is {\"name\": \"weather\"}", "")]
    [InlineData("{\"answer\": 7}", "{\"answer\": 7}", "")]
    public void Llama3_AnyCuts_GiveTheSameTextAndCalls(string answer, string text, string calls) => Check(ToolDialect.Llama3, answer, text, calls);

    [Fact]
    public async Task Chat_ToolChoiceRequired_CallsAToolWithArgumentsOfItsSchema()
    {
        for (var seed = 0; seed < 8; seed++)
        {
            var (status, answer) = await fixture.PostAsync("v1/chat/completions", Ask("required", seed));
            Assert.True(status == 200, answer.ToJsonString());
            var choice = answer["choices"]![0]!;
            Assert.Equal("tool_calls", choice["finish_reason"]!.GetValue<string>());
            Assert.Null(choice["message"]!["content"]);
            foreach (var call in choice["message"]!["tool_calls"]!.AsArray())
            {
                var arguments = JsonNode.Parse(call!["function"]!["arguments"]!.GetValue<string>())!.AsObject();
                Assert.Equal(call["function"]!["name"]!.GetValue<string>() == "route" ? ["team"] : ["days"], arguments.Select(member => member.Key));
            }
        }
    }

    [Fact]
    public async Task Chat_NamedTool_IsTheOneCalled_AndStreamsAsTheWholeAnswerIs()
    {
        var body = Ask("", 3);
        body["tool_choice"] = new JsonObject { ["type"] = "function", ["function"] = new JsonObject { ["name"] = "wait" } };
        body["parallel_tool_calls"] = false;
        var whole = (await fixture.PostAsync("v1/chat/completions", body)).Body["choices"]![0]!["message"]!["tool_calls"]![0]!["function"]!;
        Assert.Equal("wait", whole["name"]!.GetValue<string>());
        body["stream"] = true;
        var events = await fixture.StreamAsync("v1/chat/completions", body);
        Assert.Equal("[DONE]", events[^1]);
        var choices = events[..^1].Select(item => JsonNode.Parse(item)!["choices"]![0]!).ToArray();
        Assert.Equal("tool_calls", choices[^1]["finish_reason"]!.GetValue<string>());
        var calls = choices.Where(choice => choice["delta"]!["tool_calls"] is not null).SelectMany(choice => choice["delta"]!["tool_calls"]!.AsArray()).ToArray();
        Assert.Equal(whole.ToJsonString(), Assert.Single(calls)!["function"]!.ToJsonString());
        Assert.Equal(0, calls[0]!["index"]!.GetValue<int>());
    }

    [Fact]
    public async Task Chat_EarlierCallsAndResults_ReachTheModelAndAutoMayAnswerInText()
    {
        var body = Ask("auto", 1);
        body["messages"]!.AsArray().Add(JsonNode.Parse("""{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"route","arguments":"{\"team\":\"network\"}"}}]}"""));
        body["messages"]!.AsArray().Add(JsonNode.Parse("""{"role":"tool","tool_call_id":"c1","content":"done"}"""));
        var (status, answer) = await fixture.PostAsync("v1/chat/completions", body);
        Assert.True(status == 200, answer.ToJsonString());
        var without = (await fixture.PostAsync("v1/chat/completions", Ask("auto", 1))).Body;
        Assert.True(answer["usage"]!["prompt_tokens"]!.GetValue<int>() > without["usage"]!["prompt_tokens"]!.GetValue<int>() + 20);
        Assert.NotNull(answer["choices"]![0]!["message"]!["content"]);
    }

    [Theory]
    [InlineData("""{"tools":[{"type":"retrieval"}]}""", "tools[0].type")]
    [InlineData("""{"tools":[{"type":"function","function":{"name":"a b"}}]}""", "tools[0].function.name")]
    [InlineData("""{"tools":[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"a"}}]}""", "tools")]
    [InlineData("""{"tools":[{"type":"function","function":{"name":"a"}}],"tool_choice":{"type":"function","function":{"name":"b"}}}""", "tool_choice")]
    [InlineData("""{"tool_choice":"required"}""", "tool_choice")]
    [InlineData("""{"tools":[{"type":"function","function":{"name":"a","strict":true,"parameters":{"type":"object","properties":{"x":{"multipleOf":3}}}}}]}""", "tools")]
    public async Task Chat_WrongTools_AreRefusedByName(string members, string parameter)
    {
        var body = JsonNode.Parse(members)!.AsObject();
        body["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "x" });
        var (status, answer) = await fixture.PostAsync("v1/chat/completions", body);
        Assert.Equal((400, parameter), (status, answer["error"]!["param"]!.GetValue<string>()));
    }

    private static void Check(ToolDialect dialect, string answer, string text, string calls) =>
        Gen.Int[1, 7].List[1, 60].Sample(
            sizes =>
            {
                var reader = new ToolCallReader(dialect, Tools);
                var (shown, called, at) = ("", new List<ToolCall>(), 0);
                foreach (var size in sizes.TakeWhile(_ => at < answer.Length))
                {
                    var part = answer.Substring(at, Math.Min(size, answer.Length - at));
                    at += part.Length;
                    Take(reader.Add(part, isEnd: false));
                }

                Take(reader.Add(answer[at..], isEnd: true));
                Assert.Equal(text, shown);
                Assert.Equal(calls, string.Join('|', called.Select(call => $"{call.Name} {call.Arguments}")));

                void Take((string Text, IReadOnlyList<ToolCall> Calls) result)
                {
                    shown += result.Text;
                    called.AddRange(result.Calls);
                }
            },
            iter: 200);

    private static JsonObject Ask(string choice, int seed)
    {
        var body = JsonNode.Parse("""
            {"messages":[{"role":"user","content":"the printer"}],"max_tokens":80,"temperature":1,"tools":[
              {"type":"function","function":{"name":"route","parameters":{"type":"object","properties":{"team":{"enum":["network","printing"]}},"required":["team"],"additionalProperties":false}}},
              {"type":"function","function":{"name":"wait","strict":true,"parameters":{"type":"object","properties":{"days":{"type":"integer","minimum":1,"maximum":30}},"required":["days"],"additionalProperties":false}}}]}
            """)!.AsObject();
        body["seed"] = seed;
        if (choice.Length > 0)
        {
            body["tool_choice"] = choice;
        }

        return body;
    }
}
