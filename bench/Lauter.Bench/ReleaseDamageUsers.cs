using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Lauter.Releases.Rollout;

namespace Lauter.Bench;

/// <summary>
/// Users of a rolled-out release who know what is right: half of them correct a wrong answer, a fifth approve of a right one. They ask until the
/// rollout has ended, and count what they met.
/// </summary>
internal static partial class ReleaseDamageUsers
{
    private const double Corrects = 0.5;
    private const double Approves = 0.2;
    private const double Share = 0.1;
    private const int Callers = 2;
    private const int AfterTheEnd = 200;
    private const int MostRequests = 6_000;

    public static async Task<int> RunAsync(string project, string address, string application, string candidate, IReadOnlyList<DamageRow> rows)
    {
        // A server tells its key once, when it makes the first one.
        File.Delete(Path.Combine(project, ".lauter", "keys.json"));
        using var server = Process.Start(new ProcessStartInfo("dotnet", [Clinc150.Program(), "serve", project, "--listen", address])
        {
            RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false,
        })!;
        var said = new List<string>();
        var ready = new TaskCompletionSource();
        var ended = new TaskCompletionSource<TimeSpan>();
        string? key = null;
        var clock = Stopwatch.StartNew();
        void Hear(string? line)
        {
            if (line is null)
            {
                return;
            }

            lock (said)
            {
                said.Add(line);
            }

            key ??= KeyPattern().Match(line) is { Success: true } match ? match.Value : null;
            if (line.Contains("press Ctrl+C", StringComparison.Ordinal))
            {
                ready.TrySetResult();
            }

            if (line.Contains("was rolled back", StringComparison.Ordinal) || line.Contains("is complete", StringComparison.Ordinal) || line.Contains("is held", StringComparison.Ordinal))
            {
                ended.TrySetResult(clock.Elapsed);
            }
        }

        server.ErrorDataReceived += (_, e) => Hear(e.Data);
        server.OutputDataReceived += (_, e) => Hear(e.Data);
        server.BeginErrorReadLine();
        server.BeginOutputReadLine();
        try
        {
            await ready.Task.WaitAsync(TimeSpan.FromMinutes(2));
            using var http = new HttpClient { BaseAddress = new Uri(address) };
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
            clock.Restart();
            var met = new List<(string Release, bool Right, bool After)>();
            var failed = 0;
            var asked = 0;
            var left = AfterTheEnd;
            await Task.WhenAll(Enumerable.Range(0, Callers).Select(async caller =>
            {
                var random = new Random(caller + 11);
                while ((!ended.Task.IsCompleted || Interlocked.Decrement(ref left) >= 0) && Interlocked.Increment(ref asked) <= MostRequests)
                {
                    var row = rows[random.Next(rows.Count)];
                    var after = ended.Task.IsCompleted;
                    var (release, id, intent) = await AskAsync(http, application, $"user-{caller}-{asked}", row.Text);
                    if (intent is null)
                    {
                        Interlocked.Increment(ref failed);
                        continue;
                    }

                    lock (met)
                    {
                        met.Add((release, intent == row.Intent, after));
                    }

                    if (random.NextDouble() < (intent == row.Intent ? Approves : Corrects))
                    {
                        using var feedback = await http.PostAsJsonAsync("/v1/feedback", intent == row.Intent
                            ? new JsonObject { ["id"] = id, ["rating"] = 1 }
                            : new JsonObject { ["id"] = id, ["correction"] = new JsonObject { ["intent"] = row.Intent } });
                        feedback.EnsureSuccessStatusCode();
                    }
                }
            }));
            Tell(said, candidate, met, failed, ended.Task.IsCompletedSuccessfully ? await ended.Task : null);
        }
        finally
        {
            server.Kill(entireProcessTree: true);
        }

        return 0;
    }

    private static void Tell(List<string> said, string candidate, List<(string Release, bool Right, bool After)> met, int failed, TimeSpan? end)
    {
        lock (said)
        {
            Console.WriteLine(string.Join(Environment.NewLine, said.Where(l => l.Contains(candidate, StringComparison.Ordinal))));
        }

        var before = met.Where(m => !m.After).ToList();
        var own = before.Where(m => m.Release == candidate).ToList();
        var old = before.Where(m => m.Release != candidate).ToList();
        var (live, damaged) = (old.Average(m => m.Right ? 1.0 : 0), own.Average(m => m.Right ? 1.0 : 0));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{before.Count} answers until the end after {end?.TotalSeconds:0} s: {own.Count} of {candidate} ({(double)own.Count / before.Count:P1} of the users), right {damaged:P1}; {old.Count} of the live release, right {live:P1}; {failed} failed"));
        Console.WriteLine($"answers of {candidate} among the {met.Count(m => m.After)} asked after the end was told: {met.Count(m => m.After && m.Release == candidate)}");
        var delays = Enumerable.Range(0, 400).Select(seed => Delay(live, damaged, seed)).Order().ToList();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"400 simulated rollouts with these rates: the candidate's answers until the roll-back, median {delays[200]}, 95 of 100 within {delays[379]}"));
    }

    /// <summary>Answers of the candidate until the evidence rolls it back, when live and candidate are right so often.</summary>
    private static int Delay(double live, double damaged, int seed)
    {
        var random = new Random(seed);
        var start = DateTimeOffset.UnixEpoch;
        var policy = new RolloutPolicy { Shares = [Share], Requests = 1000, Margin = 0.05, Signals = [RolloutSignal.Failures, RolloutSignal.Feedback] };
        var rollout = new Rollout
        {
            Application = "a", Candidate = "a-2", Live = "a-1", LiveVersion = 1, Policy = policy, Steps = [new RolloutStep(Share, start)], Phase = RolloutPhase.Running, Version = 1, Why = "", Since = start,
        };
        var judge = new RolloutJudge(policy);
        var answers = 0;
        for (var request = 0; request < 100_000; request++)
        {
            var candidate = random.NextDouble() < Share;
            var right = random.NextDouble() < (candidate ? damaged : live);
            answers += candidate ? 1 : 0;
            judge.Add(new RolloutObservation(RolloutSignal.Failures, candidate, Bad: false, start), rollout);
            if (random.NextDouble() < (right ? Approves : Corrects))
            {
                judge.Add(new RolloutObservation(RolloutSignal.Feedback, candidate, !right, start), rollout);
            }

            if (judge.Decide(rollout, start).Action == RolloutAction.RollBack)
            {
                return answers;
            }
        }

        return int.MaxValue;
    }

    private static async Task<(string Release, string? Id, string? Intent)> AskAsync(HttpClient http, string application, string user, string text)
    {
        using var response = await http.PostAsJsonAsync("/v1/chat/completions", new JsonObject
        {
            ["model"] = application, ["user"] = user, ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = text }),
        });
        if (!response.IsSuccessStatusCode)
        {
            return ("", null, null);
        }

        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        return (response.Headers.GetValues("x-lauter-release").Single(), answer["id"]!.GetValue<string>(),
            JsonNode.Parse(answer["choices"]![0]!["message"]!["content"]!.GetValue<string>())!["intent"]!.GetValue<string>());
    }

    [GeneratedRegex("lk-[A-Za-z0-9_-]+")]
    private static partial Regex KeyPattern();
}
