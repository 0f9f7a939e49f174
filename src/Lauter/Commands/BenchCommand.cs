using System.CommandLine;
using System.Text.Json.Nodes;

namespace Lauter.Commands;

/// <summary><c>lauter bench serve</c>: what an OpenAI-compatible server can do, whoever made it.</summary>
internal static class BenchCommand
{
    public static Command Create() => new("bench", "Measure servers.") { Serve() };

    private static Command Serve()
    {
        var url = new Argument<string>("url") { Description = "The server, for example http://127.0.0.1:8080 or https://host/v1." };
        var model = new Option<string?>("--model") { Description = "The model to ask for; default: the first that the server names." };
        var key = new Option<string?>("--key") { Description = "Bearer key; default: the environment variable LAUTER_BENCH_KEY." };
        var file = new Option<string?>("--requests-file") { Description = "JSON lines with 'messages' or 'prompt'; default: made-up text." };
        var count = new Option<int>("--requests") { Description = "Requests per level of load.", DefaultValueFactory = _ => 100 };
        var parallel = new Option<int>("--parallel") { Description = "Closed loop: callers at once.", DefaultValueFactory = _ => 8 };
        var rate = new Option<double?>("--rate") { Description = "Open loop: requests per second, arriving as a Poisson process. Without it the loop is closed." };
        var ramp = new Option<int>("--ramp") { Description = "Levels of load, each --ramp-factor times the one before, until a limit breaks.", DefaultValueFactory = _ => 1 };
        var factor = new Option<double>("--ramp-factor") { Description = "Growth from level to level.", DefaultValueFactory = _ => 2 };
        var words = new Option<int>("--prompt-words") { Description = "Words of a made-up prompt.", DefaultValueFactory = _ => 100 };
        var shared = new Option<int>("--shared-words") { Description = "Words that all made-up prompts of one tenant begin with.", DefaultValueFactory = _ => 0 };
        var tenants = new Option<int>("--tenants") { Description = "Tenants that ask, sent in the header X-Lauter-Tenant; 0 sends none.", DefaultValueFactory = _ => 0 };
        var most = new Option<int>("--max-tokens") { Description = "Most tokens of an answer.", DefaultValueFactory = _ => 64 };
        var seed = new Option<int>("--seed") { Description = "Seed of made-up text and arrivals.", DefaultValueFactory = _ => 1 };
        var first = new Option<double?>("--first-token-ms") { Description = "Limit on the time to the first token." };
        var total = new Option<double?>("--total-ms") { Description = "Limit on the time of a whole answer." };
        var share = new Option<double>("--limit-share") { Description = "Share of requests that must keep the limits, above 0 to 1.", DefaultValueFactory = _ => .95 };
        var price = new Option<double?>("--price-hour") { Description = "What the machine costs an hour; adds the cost of 1,000 answers." };
        var warm = new Option<int>("--warm-up") { Description = "Requests sent before, not counted.", DefaultValueFactory = _ => 4 };
        var format = Arguments.Format();
        var command = new Command("serve", "Measure an OpenAI-compatible server: closed or open loop, first token, inter-token, whole answers, goodput, cost.")
        {
            url, model, key, file, count, parallel, rate, ramp, factor, words, shared, tenants, most, seed, first, total, share, price, warm, format,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            if (!Uri.TryCreate(result.GetValue(url), UriKind.Absolute, out var server) || server.Scheme is not ("http" or "https"))
            {
                throw new CommandException(ExitCodes.Usage, $"'{result.GetValue(url)}' is no http address, such as http://127.0.0.1:8080.");
            }

            Check(result.GetValue(count) > 0 && result.GetValue(parallel) is > 0 and <= 4_096 && result.GetValue(ramp) is > 0 and <= 64, "--requests, --parallel and --ramp must be at least 1, --parallel at most 4096, --ramp at most 64.");
            Check(result.GetValue(rate) is null or > 0 && result.GetValue(factor) > 1 && result.GetValue(share) is > 0 and <= 1, "--rate must be above 0, --ramp-factor above 1, --limit-share above 0 and at most 1.");
            using var caller = new BenchCaller(server, result.GetValue(key) ?? Environment.GetEnvironmentVariable("LAUTER_BENCH_KEY"), 8_192);
            var named = result.GetValue(model) ?? await caller.FirstModelAsync(cancellationToken) ?? "default";
            var requests = new BenchRequests(result.GetValue(file), named, result.GetValue(words), result.GetValue(shared), result.GetValue(tenants), result.GetValue(most), result.GetValue(seed));
            var limits = new BenchLimits(result.GetValue(first) / 1_000, result.GetValue(total) / 1_000, result.GetValue(share));
            var load = new BenchLoad(caller, requests);
            if (result.GetValue(warm) > 0)
            {
                await load.ClosedAsync(1, result.GetValue(warm), limits, cancellationToken);
            }

            var reports = await load.RampAsync(
                level => result.GetValue(rate) is not null
                    ? load.OpenAsync(level, result.GetValue(count), result.GetValue(seed), limits, cancellationToken)
                    : load.ClosedAsync((int)Math.Round(level), result.GetValue(count), limits, cancellationToken),
                result.GetValue(rate) ?? result.GetValue(parallel),
                result.GetValue(factor),
                result.GetValue(ramp));
            Write(named, server, reports, result.GetValue(price), result.GetValue(format) == "json");
            return reports.Any(report => report.Samples.Any(sample => sample.Outcome == "ok")) ? ExitCodes.Success : ExitCodes.Failure;
        });
        return command;
    }

    private static void Write(string model, Uri server, IReadOnlyList<BenchReport> reports, double? price, bool json)
    {
        var best = reports.LastOrDefault(report => report.HoldsLimits);
        if (json)
        {
            Arguments.WriteJson(new JsonObject
            {
                ["server"] = server.ToString(),
                ["model"] = model,
                ["levels"] = new JsonArray([.. reports.Select(report => (JsonNode)report.ToJson(price))]),
                ["last_level_within_limits"] = best?.Load,
            });
            return;
        }

        foreach (var report in reports)
        {
            System.Console.Write(report.ToText(price));
        }

        if (reports.Count > 1)
        {
            System.Console.WriteLine($"last level within the limits: {best?.Load ?? "none"}");
        }
    }

    private static void Check(bool holds, string message)
    {
        if (!holds)
        {
            throw new CommandException(ExitCodes.Usage, message);
        }
    }
}
