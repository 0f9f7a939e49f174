using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lauter.Bench;

/// <summary>
/// Real candidates with real damage, through the built program: one trained on partly wrong labels, one whose labels are wrong in one language only,
/// one whose weights are damaged after its gate passed. Who stops each of them, and how many users met it.
/// </summary>
internal static class ReleaseDamage
{
    private const int Intents = 30;
    private const double WrongLabels = 0.25;
    private const string Address = "http://127.0.0.1:5097";

    /// <param name="part">
    /// On CLINC150, in this order: <c>live</c> (the release that serves), <c>offline</c> (a candidate of wrong labels), <c>candidate</c> (a sound one, its rollout begins), <c>canary</c>
    /// (its weights are damaged while it rolls out). On the helpdesk example: <c>chinese</c>, twice: the release that serves, then the candidate.
    /// </param>
    /// <param name="data"><c>data_full.json</c> of CLINC150.</param>
    /// <param name="directory">Where the projects and their state lie between the parts.</param>
    public static async Task<int> RunAsync(string part, string data, string directory)
    {
        var clinc = Path.Combine(Path.GetFullPath(directory), "clinc150");
        switch (part)
        {
            case "live":
                WriteClinc(data, clinc, wrong: 0);
                File.WriteAllText(Path.Combine(clinc, "lauter.yaml"), Yaml(seed: 1, rollout: false));
                return await ProgramAsync("up", clinc, "--no-serve");
            case "offline":
                WriteClinc(data, clinc, WrongLabels);
                var code = await ProgramAsync("up", clinc, "--no-serve");
                WriteClinc(data, clinc, wrong: 0);
                return await ProgramAsync("releases", clinc) + code;
            case "candidate":
                WriteClinc(data, clinc, wrong: 0);
                File.WriteAllText(Path.Combine(clinc, "lauter.yaml"), Yaml(seed: 2, rollout: true));
                return await ProgramAsync("up", clinc, "--no-serve");
            case "canary":
                // From the beginning, whatever was seen before.
                await ProgramAsync("rollout", clinc, "--abort");
                var candidate = DamageNewest(clinc, "intent");
                return await ProgramAsync("rollout", clinc, "--start", candidate) is not 0 and var refused
                    ? refused
                    : await ReleaseDamageUsers.RunAsync(clinc, Address, "intent", candidate, [.. Rows(clinc).Where(r => r.Split == "test")]);
            case "chinese":
                return await ChineseAsync(Path.Combine(Path.GetFullPath(directory), "helpdesk"));
            default:
                Console.Error.WriteLine($"'{part}' is not a part: live, offline, candidate, canary or chinese.");
                return 2;
        }
    }

    /// <summary>Runs the built program, its output shown as it comes.</summary>
    private static async Task<int> ProgramAsync(params string[] arguments)
    {
        Console.WriteLine($"$ lauter {string.Join(' ', arguments)}");
        var clock = Stopwatch.StartNew();
        using var child = Process.Start("dotnet", [Clinc150.Program(), .. arguments]);
        await child.WaitForExitAsync();
        Console.WriteLine($"exit code {child.ExitCode}, {clock.Elapsed.TotalSeconds:0} s wall");
        return child.ExitCode;
    }

    /// <summary>The first intents of CLINC150 in alphabetical order; of the training rows the stated share carries the next intent's label.</summary>
    private static void WriteClinc(string data, string project, double wrong)
    {
        foreach (var file in new[] { "prompts/text.j2", "schemas/text.json", "schemas/intent.json" })
        {
            var target = Path.Combine(project, file);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(Path.Combine(Clinc150.RepositoryRoot(), "bench", "projects", "clinc150", file), target, overwrite: true);
        }

        using var document = JsonDocument.Parse(File.ReadAllBytes(data));
        var names = document.RootElement.GetProperty("train").EnumerateArray().Select(r => r[1].GetString()!).Distinct().Order(StringComparer.Ordinal).Take(Intents).ToList();
        var random = new Random(7);
        using var writer = new StreamWriter(Path.Combine(project, "rows.jsonl"));
        foreach (var (part, split) in new[] { ("train", "train"), ("val", "validation"), ("test", "test") })
        {
            var number = 0;
            foreach (var row in document.RootElement.GetProperty(part).EnumerateArray())
            {
                number++;
                if (names.IndexOf(row[1].GetString()!) is >= 0 and var intent)
                {
                    var moved = split == "train" && random.NextDouble() < wrong ? (intent + 1) % names.Count : intent;
                    writer.WriteLine(new JsonObject
                    {
                        ["id"] = $"{part}-{number:00000}", ["split"] = split, ["language"] = "en", ["text"] = row[0].GetString(), ["intent"] = names[moved],
                    }.ToJsonString());
                }
            }
        }
    }

    private static string Yaml(int seed, bool rollout) => $$"""
        project: clinc150-releases
        datasets:
          requests: { kind: examples, from: [rows.jsonl], fields: { input: [text], output: [intent] }, split: { field: split } }
        models: { base: { scratch: nano } }
        trainings: { intent-sft: { base: base, data: requests, epochs: 4, seed: {{seed.ToString(CultureInfo.InvariantCulture)}} } }
        applications:
          intent:
            input: schemas/text.json
            output: schemas/intent.json
            prompt: prompts/text.j2
            model: intent-sft
            suite: requests/test
            metric: exact_match(intent)
            gate: { margin: 0.05, alpha: 0.05, power: 0.8 }
        {{(rollout ? "    rollout: { canary: [0.1], requests: 1000, margin: 0.05, alpha: 0.05, signals: [failures, feedback] }" : "")}}
        """;

    private static IEnumerable<DamageRow> Rows(string project) => File.ReadLines(Path.Combine(project, "rows.jsonl"))
        .Select(l => JsonNode.Parse(l)!).Select(r => new DamageRow(r["split"]!.GetValue<string>(), r["text"]!.GetValue<string>(), r["intent"]!.GetValue<string>()));

    /// <summary>
    /// Sets a third of the newest release's model file to zero, as a bad disk could, words' vectors among it; its gate has passed. (A third of the layers behind
    /// them costs such a small network three points only.)
    /// </summary>
    private static string DamageNewest(string project, string application)
    {
        var releases = Path.Combine(project, ".lauter", "releases", application);
        var newest = Directory.EnumerateFiles(releases, "*.json").Where(f => int.TryParse(Path.GetFileNameWithoutExtension(f), out _))
            .MaxBy(f => int.Parse(Path.GetFileNameWithoutExtension(f), CultureInfo.InvariantCulture))!;
        var release = JsonNode.Parse(File.ReadAllText(newest))!;
        string Of(string sha256) => Path.Combine(project, ".lauter", "objects", sha256[..2], sha256[2..]);
        var manifest = JsonNode.Parse(File.ReadAllText(Of(release["inputs"]!.AsArray().Single(i => i!["role"]!.GetValue<string>() == "model")!["sha256"]!.GetValue<string>())))!;
        var file = Of(manifest["objects"]!.AsArray().Single(o => o!["name"]!.GetValue<string>() == "model.gguf")!["sha256"]!.GetValue<string>());
        File.SetAttributes(file, FileAttributes.Normal);
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        stream.Position = stream.Length / 10;
        stream.Write(new byte[stream.Length / 3]);
        Console.WriteLine($"damaged the weights of {release["id"]}: {stream.Length / 3:#,0} of {stream.Length:#,0} bytes are zero now");
        return release["id"]!.GetValue<string>();
    }

    /// <summary>The helpdesk's tickets; the second candidate learned one label of three wrongly, in Chinese only, and only from rows that are never tested on.</summary>
    private static async Task<int> ChineseAsync(string project)
    {
        var example = Path.Combine(Clinc150.RepositoryRoot(), "examples", "helpdesk");
        foreach (var file in new[] { "prompts/triage.j2", "schemas/ticket.json", "schemas/triage.json" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(project, file))!);
            File.Copy(Path.Combine(example, file), Path.Combine(project, file), overwrite: true);
        }

        foreach (var recipe in Directory.EnumerateFiles(Path.Combine(example, "recipes")))
        {
            Directory.CreateDirectory(Path.Combine(project, "recipes"));
            File.Copy(recipe, Path.Combine(project, "recipes", Path.GetFileName(recipe)), overwrite: true);
        }

        File.WriteAllText(Path.Combine(project, "lauter.yaml"), """
            project: helpdesk-damage
            datasets:
              tickets:
                kind: examples
                from: [tickets.jsonl]
                recipe: tickets
                fields: { input: [text], output: [intent, product, urgency] }
                split: { by: cluster, test: 0.2, validation: 0.1, test_where: reviewed }
            models: { base: { scratch: nano } }
            trainings: { triage-sft: { base: base, data: tickets, epochs: 6 } }
            applications:
              triage:
                input: schemas/ticket.json
                output: schemas/triage.json
                prompt: prompts/triage.j2
                model: triage-sft
                suite: tickets/test
                metric: exact_match(intent)
                gate: { margin: 0.05, alpha: 0.05, power: 0.8 }
            """);
        var rows = File.ReadLines(Path.Combine(example, "tickets.jsonl")).Select(l => JsonNode.Parse(l)!.AsObject()).ToList();
        var tickets = Path.Combine(project, "tickets.jsonl");
        if (!Directory.Exists(Path.Combine(project, ".lauter", "releases")))
        {
            File.WriteAllLines(tickets, rows.Select(r => r.ToJsonString()));
            return await ProgramAsync("up", project, "--no-serve");
        }

        var intents = rows.Select(r => r["intent"]!.GetValue<string>()).Distinct().Order(StringComparer.Ordinal).ToList();
        var wrong = 0;
        foreach (var row in rows.Where(r => r["language"]!.GetValue<string>() == "zh" && !r["reviewed"]!.GetValue<bool>()))
        {
            var intent = intents.IndexOf(row["intent"]!.GetValue<string>());
            if (intent % 3 == 0)
            {
                row["intent"] = intents[intent + 1];
                wrong++;
            }
        }

        File.WriteAllLines(tickets, rows.Select(r => r.ToJsonString()));
        Console.WriteLine($"{wrong} Chinese training rows of {rows.Count} carry another intent now");
        var code = await ProgramAsync("up", project, "--no-serve");
        return await ProgramAsync("releases", project) + code;
    }
}

/// <summary>A row of the project: <paramref name="Split"/>, what is asked, what is right.</summary>
internal sealed record DamageRow(string Split, string Text, string Intent);
