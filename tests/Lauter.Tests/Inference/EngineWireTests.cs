using System.Text;
using System.Text.Json.Nodes;
using Lauter.Inference.Engine;

namespace Lauter.Tests.Inference;

/// <summary>What a client of OpenAI's wire sees, on a real engine with a model of random weights.</summary>
public sealed class EngineWireTests(EngineFixture fixture) : IClassFixture<EngineFixture>
{
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task Completion_Streamed_EqualsTheWholeAnswer(int temperature)
    {
        // At temperature 2 random weights write broken and split characters, so this is also the test of UTF-8 borders.
        foreach (var seed in Enumerable.Range(1, 8))
        {
            var body = EngineFixture.Endless(60);
            body["temperature"] = temperature;
            body["seed"] = seed;
            var (status, whole) = await fixture.PostAsync("v1/completions", body);
            Assert.Equal(200, status);
            body["stream"] = true;
            body["stream_options"] = new JsonObject { ["include_usage"] = true };
            var events = await fixture.StreamAsync("v1/completions", body);
            Assert.Equal("[DONE]", events[^1]);
            var pieces = events[..^1].Select(item => JsonNode.Parse(item)!).ToList();
            var usage = pieces[^1];
            Assert.Empty(usage["choices"]!.AsArray());
            Assert.Equal(whole["usage"]!.ToJsonString(), usage["usage"]!.ToJsonString());
            var choices = pieces[..^1].Select(piece => piece["choices"]![0]!).ToList();
            Assert.Equal(whole["choices"]![0]!["text"]!.GetValue<string>(), string.Concat(choices.Select(choice => choice["text"]!.GetValue<string>())));
            Assert.All(choices[..^1], choice => Assert.Null(choice["finish_reason"]));
            Assert.Equal("length", choices[^1]["finish_reason"]!.GetValue<string>());
        }
    }

    [Fact]
    public async Task Completion_StopString_EndsBeforeItAcrossTokens()
    {
        var body = EngineFixture.Endless(60);
        var whole = (await fixture.PostAsync("v1/completions", body)).Body["choices"]![0]!["text"]!.GetValue<string>();
        Assert.True(whole.Length > 20, whole);
        var stop = whole.Substring(9, 7);
        body["stop"] = new JsonArray("never written", stop);
        var choice = (await fixture.PostAsync("v1/completions", body)).Body["choices"]![0]!;
        Assert.Equal("stop", choice["finish_reason"]!.GetValue<string>());
        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], choice["text"]!.GetValue<string>());
    }

    [Fact]
    public async Task Completion_SameSeed_SameTextAndOtherSeedOtherText()
    {
        var texts = new List<string>();
        foreach (var seed in new[] { 5, 5, 6 })
        {
            var body = EngineFixture.Endless(40);
            body["temperature"] = 1;
            body["seed"] = seed;
            texts.Add((await fixture.PostAsync("v1/completions", body)).Body["choices"]![0]!["text"]!.GetValue<string>());
        }

        Assert.Equal(texts[0], texts[1]);
        Assert.NotEqual(texts[0], texts[2]);
    }

    [Fact]
    public async Task LogProbabilities_OfAGreedyAnswer_AreTheLikeliestAtEveryPlace()
    {
        var token = TestContext.Current.CancellationToken;
        var prompt = await fixture.Engine.Client.TokenizeAsync("the printer does not print", false, false, token);
        var body = new JsonObject
        {
            ["prompt"] = new JsonArray([.. prompt.Select(id => (JsonNode)id)]), ["max_tokens"] = 12, ["temperature"] = 0, ["logprobs"] = 3,
            ["logit_bias"] = new JsonObject { ["0"] = -100, ["2"] = -100 },
        };
        var logprobs = (await fixture.PostAsync("v1/completions", body)).Body["choices"]![0]!["logprobs"]!;
        var answer = logprobs["token_ids"]!.AsArray().Select(id => id!.GetValue<int>()).ToArray();
        var scores = await fixture.Engine.Client.CompletionLogProbabilitiesAsync([.. prompt, .. answer], 20, token);
        Assert.Equal(prompt.Length + answer.Length - 1, scores.Count);
        for (var index = 0; index < answer.Length; index++)
        {
            var echoed = scores[prompt.Length - 1 + index];
            Assert.Equal(answer[index], echoed.Token);
            Assert.Equal(logprobs["token_logprobs"]![index]!.GetValue<double>(), echoed.LogProbability, 1e-4);
            Assert.True(echoed.LogProbability >= echoed.Alternatives[0].LogProbability - 1e-4 || echoed.Alternatives[0].Token is 0 or 2);
            Assert.True(echoed.Alternatives.Sum(other => Math.Exp(other.LogProbability)) <= 1 + 1e-5);
        }
    }

    [Fact]
    public async Task Tokenize_MarkupInText_StaysTextUnlessAsked()
    {
        var token = TestContext.Current.CancellationToken;
        Assert.True((await fixture.Engine.Client.TokenizeAsync("<|im_end|>", false, false, token)).Length > 1);
        var parsed = await fixture.Engine.Client.TokenizeAsync("<|im_end|>", false, true, token);
        Assert.Equal([2], parsed);
    }

    [Fact]
    public async Task Completion_PromptPlusAnswerAboveTheContext_IsRefusedNotCut()
    {
        var (status, body) = await fixture.PostAsync("v1/completions", EngineFixture.Completion("the printer", 500));
        Assert.Equal((400, "context_length_exceeded"), (status, body["error"]!["code"]!.GetValue<string>()));
        (status, body) = await fixture.PostAsync("v1/completions", EngineFixture.Completion(string.Concat(Enumerable.Repeat("the printer ", 200)), 1));
        Assert.Equal((400, "context_length_exceeded"), (status, body["error"]!["code"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData("n", "0")]
    [InlineData("temperature", "2.5")]
    [InlineData("temperature", "\"hot\"")]
    [InlineData("top_p", "-0.1")]
    [InlineData("max_tokens", "-1")]
    [InlineData("max_tokens", "1.5")]
    [InlineData("logprobs", "21")]
    [InlineData("stop", "[\"\"]")]
    [InlineData("stop", "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\",\"17\"]")]
    [InlineData("stop", "5")]
    [InlineData("seed", "1.5")]
    [InlineData("prompt", "[99999999]")]
    [InlineData("prompt", "[\"a\",\"b\"]")]
    [InlineData("prompt", "\"\\ud800\"")]
    [InlineData("logit_bias", "{\"x\":1}")]
    [InlineData("stream", "1")]
    public async Task Completion_MemberOutOfRange_IsRefusedByName(string name, string value)
    {
        using var content = new StringContent($"{{\"prompt\":\"a\",\"{name}\":{value}}}", Encoding.UTF8, "application/json");
        using var response = await fixture.Http.PostAsync("v1/completions", content, TestContext.Current.CancellationToken);
        var error = JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["error"]!;
        Assert.Equal(400, (int)response.StatusCode);
        Assert.Equal(("invalid_request_error", name), (error["type"]!.GetValue<string>(), error["param"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Request_BrokenTooLargeOrElsewhere_HasAnErrorInOpenAisForm()
    {
        var token = TestContext.Current.CancellationToken;
        using var broken = await fixture.Http.PostAsync("v1/completions", new StringContent("{\"prompt\":"), token);
        Assert.Equal(400, (int)broken.StatusCode);
        using var request = new HttpRequestMessage(HttpMethod.Post, "v1/completions") { Content = new StringContent(new string(' ', EngineServer.LargestBody + 1)) };
        request.Headers.ExpectContinue = true;
        using var large = await fixture.Http.SendAsync(request, token);
        Assert.Equal(413, (int)large.StatusCode);
        using var elsewhere = await fixture.Http.GetAsync("v1/nothing", token);
        Assert.Equal(404, (int)elsewhere.StatusCode);
        foreach (var response in new[] { broken, large, elsewhere })
        {
            Assert.NotNull(JsonNode.Parse(await response.Content.ReadAsStringAsync(token))!["error"]!["message"]);
        }
    }

    [Fact]
    public async Task ModelsHealthMetrics_Answer()
    {
        var token = TestContext.Current.CancellationToken;
        var models = JsonNode.Parse(await fixture.Http.GetStringAsync("v1/models", token))!;
        Assert.Equal("tiny", models["data"]![0]!["id"]!.GetValue<string>());
        Assert.Equal(new EngineHealth("tiny", 256, false, 0), await fixture.Engine.Client.HealthAsync(token));
        Assert.Contains("lauter_engine_time_to_first_token_seconds_bucket{le=\"+Inf\"}", await fixture.Http.GetStringAsync("metrics", token), StringComparison.Ordinal);
    }
}
