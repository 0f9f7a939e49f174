using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Lauter.Bench;

/// <summary>
/// <c>gateway</c>: what the gateway adds, with key, budget and durable journal on, beside a bare proxy and, when it is installed, Portkey.
/// All run on this machine at once; rounds visit them in random order, and what is added is the difference to the direct call of the same round.
/// </summary>
internal static class GatewayBench
{
    private static int _rounds = 7;
    private const string Chat = """{"model":"chat","messages":[{"role":"system","content":"You answer questions about orders."},{"role":"user","content":"Where is order 4711? It should have been here on Monday."}],"max_tokens":128,"temperature":0.2}""";
    private static readonly string Stream = Chat.Replace("\"max_tokens\"", "\"stream\":true,\"max_tokens\"", StringComparison.Ordinal);

    /// <summary>Runs it.</summary>
    /// <param name="arguments"><c>--portkey DIR</c> (where npm installed it), <c>--requests N</c> for the memory run, <c>--seconds S</c> a concurrent run (0 = none), <c>--rounds N</c> of one connection, <c>--environment A=1,B=2</c> for the gateway's process.</param>
    public static async Task<int> RunAsync(string[] arguments)
    {
        var portkey = Option(arguments, "--portkey");
        var requests = int.Parse(Option(arguments, "--requests") ?? "0", CultureInfo.InvariantCulture);
        var seconds = int.Parse(Option(arguments, "--seconds") ?? "6", CultureInfo.InvariantCulture);
        _rounds = int.Parse(Option(arguments, "--rounds") ?? "7", CultureInfo.InvariantCulture);
        var directory = Directory.CreateTempSubdirectory("lauter-bench-gateway-").FullName;
        List<Process> children = [];
        try
        {
            children.Add(Start("dotnet", [typeof(GatewayBench).Assembly.Location, "gateway-upstream", "18100", "0"]));
            children.Add(Start("dotnet", [typeof(GatewayBench).Assembly.Location, "gateway-proxy", "18101", "18100"]));
            await File.WriteAllTextAsync(Path.Combine(directory, "GATEWAY.yaml"), """
                gateway: bench
                listen: http://127.0.0.1:18102
                state: state
                providers:
                  fake: { url: "http://127.0.0.1:18100/v1" }
                applications:
                  chat:
                    models: { provider: fake, model: fake }
                    budget: { month: 1000000 USD }
                tenants:
                  default: { budget: { month: 1000000 USD } }
                prices:
                  rows: [ { sku: fake, currency: USD, input: 0.15, output: 0.60, source: bench } ]
                """);
            var lauter = Path.Combine(Root(), "src", "Lauter", "bin", "Release", "net10.0", "lauter.dll");
            var gateway = Start("dotnet", [lauter, "gateway", Path.Combine(directory, "GATEWAY.yaml")], Option(arguments, "--environment"));
            children.Add(gateway);
            await ListeningAsync(18100, 18101, 18102);
            var key = Output("dotnet", [lauter, "key", "create", "bench", "--in", directory]).Trim();
            List<(string Name, int Port, string[] Headers, Process? Process)> servers =
            [
                ("direct", 18100, [], null), ("bare proxy (YARP)", 18101, [], children[1]), ("lauter gateway", 18102, [$"Authorization: Bearer {key}"], gateway),
            ];
            if (portkey is not null)
            {
                var peer = Start("node", [Path.Combine(portkey, "node_modules/@portkey-ai/gateway/build/start-server.js"), "--headless", "--port=18103"]);
                children.Add(peer);
                await ListeningAsync(18103);
                servers.Add(("Portkey 1.15.2", 18103, ["Authorization: Bearer x", "x-portkey-provider: openai", "x-portkey-custom-host: http://127.0.0.1:18100/v1"], peer));
            }

            await Warm(servers);
            Sequential(servers, Chat, 500, firstByte: false, "one connection, whole answers");
            Sequential(servers, Stream, 150, firstByte: true, "one connection, time to the first event of a stream");
            if (seconds > 0)
            {
                await ConcurrentAsync(servers, seconds);
            }

            if (requests > 0)
            {
                await MemoryAsync(gateway, key, requests);
            }

            return 0;
        }
        finally
        {
            foreach (var child in children)
            {
                child.Kill(entireProcessTree: true);
                child.Dispose();
            }

            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>
    /// .NET compiles a method again, better, when it was called often and nothing new was compiled for 100 ms; two times, so requests and pauses alternate
    /// until nothing is left to compile. Without the pauses the compiler's thread shares the two cores with what is measured.
    /// </summary>
    private static async Task Warm(List<(string Name, int Port, string[] Headers, Process? Process)> servers)
    {
        foreach (var server in servers)
        {
            var (requests, errors) = (0, 0);
            for (var pass = 0; pass < 5; pass++)
            {
                foreach (var body in (string[])[Chat, Stream])
                {
                    var result = await Load(server, body).ConcurrentAsync(4, TimeSpan.FromSeconds(60), body == Chat ? 2_000 : 400);
                    (requests, errors) = (requests + result.Times.Length, errors + result.Errors);
                }

                await Task.Delay(TimeSpan.FromSeconds(1));
            }

            Console.WriteLine($"warm {server.Name}: {requests} requests, {errors} errors");
        }
    }

    private static void Sequential(List<(string Name, int Port, string[] Headers, Process? Process)> servers, string body, int count, bool firstByte, string what)
    {
        Console.WriteLine($"\n{what}: {_rounds} rounds of {count} requests each, load average {File.ReadAllText("/proc/loadavg").Split(' ')[0]}");
        Dictionary<string, List<LoadResult>> results = servers.ToDictionary(s => s.Name, _ => new List<LoadResult>());
        for (var round = 0; round < _rounds; round++)
        {
            foreach (var server in servers.OrderBy(_ => Random.Shared.Next()).ToList())
            {
                results[server.Name].Add(Load(server, body).Sequential(count, firstByte));
            }
        }

        Console.WriteLine($"{"",-20}{"p50 ms",8}{"p99 ms",8}{"+p50",8}{"+p99",8}{"errors",8}   (medians of rounds; + = to the direct call of the same round)");
        foreach (var (name, runs) in results)
        {
            var direct = results["direct"];
            Console.WriteLine(
                $"{name,-20}{Median(runs.Select(r => r.Milliseconds(0.5))),8:0.000}{Median(runs.Select(r => r.Milliseconds(0.99))),8:0.000}"
                + $"{Median(runs.Select((r, i) => r.Milliseconds(0.5) - direct[i].Milliseconds(0.5))),8:0.000}{Median(runs.Select((r, i) => r.Milliseconds(0.99) - direct[i].Milliseconds(0.99))),8:0.000}{runs.Sum(r => r.Errors),8}");
        }
    }

    private static async Task ConcurrentAsync(List<(string Name, int Port, string[] Headers, Process? Process)> servers, int seconds)
    {
        foreach (var connections in (int[])[8, 32])
        {
            Console.WriteLine($"\n{connections} connections, {seconds} s each, load average {File.ReadAllText("/proc/loadavg").Split(' ')[0]}");
            Console.WriteLine($"{"",-20}{"req/s",8}{"p50 ms",9}{"p99 ms",9}{"errors",8}{"CPU µs/request of the server",32}{"RSS MiB",9}");
            foreach (var server in servers)
            {
                server.Process?.Refresh();
                var cpu = server.Process?.TotalProcessorTime ?? default;
                var result = await Load(server, Chat).ConcurrentAsync(connections, TimeSpan.FromSeconds(seconds));
                server.Process?.Refresh();
                var used = server.Process is null ? double.NaN : (server.Process.TotalProcessorTime - cpu).TotalMicroseconds / result.Times.Length;
                Console.WriteLine(
                    $"{server.Name,-20}{result.RequestsPerSecond,8:0}{result.Milliseconds(0.5),9:0.00}{result.Milliseconds(0.99),9:0.00}{result.Errors,8}{used,32:0}{(server.Process?.WorkingSet64 ?? 0) / 1048576,9}");
            }
        }
    }

    private static async Task MemoryAsync(Process gateway, string key, int requests)
    {
        Console.WriteLine($"\nmemory over {requests} requests at 16 connections");
        var parts = 10;
        for (var part = 0; part < parts; part++)
        {
            var result = await Load(("lauter gateway", 18102, [$"Authorization: Bearer {key}"], null), Chat).ConcurrentAsync(16, TimeSpan.FromMinutes(10), requests / parts);
            gateway.Refresh();
            Console.WriteLine($"{(part + 1) * (requests / parts),9} requests: RSS {gateway.WorkingSet64 / 1048576} MiB, {result.RequestsPerSecond:0} requests/s, {result.Errors} errors");
        }
    }

    private static GatewayLoad Load((string Name, int Port, string[] Headers, Process? Process) server, string body) =>
        new(new IPEndPoint(IPAddress.Loopback, server.Port), GatewayLoad.Post("/v1/chat/completions", body, server.Headers));

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    private static string? Option(string[] arguments, string name) => Array.IndexOf(arguments, name) is >= 0 and var at && at + 1 < arguments.Length ? arguments[at + 1] : null;

    private static Process Start(string program, IReadOnlyList<string> arguments, string? environment = null)
    {
        var start = new ProcessStartInfo(program) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var pair in (environment ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            start.Environment[pair.Split('=')[0]] = pair.Split('=')[1];
        }

        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, e) =>
        {
            if (e.Data is { Length: > 0 } line && Environment.GetEnvironmentVariable("BENCH_TRACE") == "1")
            {
                Console.Error.WriteLine(line);
            }
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static string Output(string program, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(program) { UseShellExecute = false, RedirectStandardOutput = true };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return text;
    }

    private static async Task ListeningAsync(params int[] ports)
    {
        var clock = Stopwatch.StartNew();
        foreach (var port in ports)
        {
            while (true)
            {
                try
                {
                    using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                    await socket.ConnectAsync(IPAddress.Loopback, port);
                    break;
                }
                catch (SocketException) when (clock.Elapsed < TimeSpan.FromSeconds(30))
                {
                    await Task.Delay(100);
                }
            }
        }
    }

    private static string Root()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "lauter.slnx")))
        {
            directory = Path.GetDirectoryName(directory) ?? throw new DirectoryNotFoundException("lauter.slnx was not found above the bench.");
        }

        return directory;
    }
}
