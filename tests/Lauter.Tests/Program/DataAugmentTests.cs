using System.Text.Json.Nodes;
using Lauter.Commands;
using Lauter.Ledger;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Lauter.Tests.Program;

/// <summary>New rows from a provider over a real socket: asked once, paid once, booked once.</summary>
public sealed class DataAugmentTests : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-augment-").FullName;
    private readonly WebApplication _provider;
    private int _asked;

    public DataAugmentTests()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _provider = builder.Build();
        _provider.MapPost("/v1/chat/completions", async (HttpRequest request) =>
        {
            Interlocked.Increment(ref _asked);
            var body = (await JsonNode.ParseAsync(request.Body))!;
            var passage = body["messages"]![0]!["content"]!.GetValue<string>().Split("-----")[1].Trim();
            var reply = new JsonArray(
                new JsonObject { ["question"] = $"What does the passage about the {passage.Split(' ')[1]} end with?", ["answer"] = passage.Split(' ')[^1] },
                new JsonObject { ["question"] = "Who wrote it?", ["answer"] = "Somebody else" });
            return Results.Json(new JsonObject
            {
                ["choices"] = new JsonArray(new JsonObject { ["message"] = new JsonObject { ["content"] = $"```json\n{reply.ToJsonString()}\n```" }, ["finish_reason"] = "stop" }),
                ["usage"] = new JsonObject { ["prompt_tokens"] = 1_000, ["completion_tokens"] = 100 },
            });
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _provider.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Augment_RunTwice_AsksAndBooksOnceAndAnUnknownPriceStaysUnknown()
    {
        await _provider.StartAsync(TestContext.Current.CancellationToken);
        var address = _provider.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        File.WriteAllText(At("lauter.yaml"), "project: augment\nprices:\n  rows:\n    - { sku: small, currency: USD, input: 1, output: 10, source: list }\n");
        File.WriteAllText(At("rows.jsonl"), "{\"id\":\"a\",\"text\":\"The kettle boils at ninety degrees.\"}\n{\"id\":\"b\",\"text\":\"The pump moves the wort.\"}\n");
        Task<int> Run(string model) => CommandLine.RunAsync(["data", "augment", At("rows.jsonl"), "--kind", "questions", "--endpoint", address + "/v1", "--model", model, "--out", At("out"), "--project", _directory, "--quiet"]);

        Assert.Equal(0, await Run("small"));
        var rows = Rows("rows.jsonl");
        Assert.Equal(["a~q1", "b~q1"], rows.Select(r => (string)r["id"]!));
        Assert.Equal("degrees.", (string)rows[0]["answer"]!);
        Assert.Equal("small", (string)rows[0]["augmented"]!["model"]!);
        Assert.All(Rows("rejects.jsonl"), r => Assert.Equal("not_in_the_text", (string)r["reason"]!));

        // 1,000 tokens at 1 USD a million and 100 at 10: 0.002 USD a row.
        Assert.Equal(0.004m, Rows("costs.jsonl").Sum(c => (decimal)c["amount"]!));
        Assert.Equal((2, 4_000_000), Booked());
        Assert.Equal(0, await Run("small"));
        Assert.Equal(2, _asked);
        Assert.Equal((2, 4_000_000), Booked());

        // Another model is asked anew; nobody states its price.
        Assert.Equal(0, await Run("other"));
        Assert.Equal(4, _asked);
        Assert.All(Rows("costs.jsonl"), c => Assert.Null(c["amount"]));
        Assert.Equal((4, 4_000_000), Booked());
    }

    private (int Entries, long Nano) Booked()
    {
        using var ledger = new LedgerStore(Path.Combine(_directory, ".lauter", "ledger.db"));
        var charges = ledger.Charges().Where(c => c.EntryId.StartsWith("augment:", StringComparison.Ordinal)).ToList();
        return (charges.Select(c => c.EntryId).Distinct().Count(), charges.Sum(c => c.Charge.Amount?.NanoUnits ?? 0));
    }

    private string At(string name) => Path.Combine(_directory, name);

    private List<JsonNode> Rows(string name) => [.. File.ReadLines(Path.Combine(At("out"), name)).Select(l => JsonNode.Parse(l)!)];
}
