using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Lauter.Data.Redaction;
using Microsoft.Extensions.Time.Testing;

namespace Lauter.Tests.Data;

public sealed class RedactorTests : IDisposable
{
    private static readonly byte[] Key = "a secret of more than sixteen bytes"u8.ToArray();
    private readonly string _folder = Directory.CreateTempSubdirectory("lauter-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(RedactionAction.Type, "请拨[PHONE]。")]
    [InlineData(RedactionAction.Mask, "请拨*******5678。")]
    [InlineData(RedactionAction.Keep, "请拨13812345678。")]
    public void Redact_Action_WritesItsForm(RedactionAction action, string expected) =>
        Assert.Equal(expected, new Redactor(new RedactionPolicy { Default = action, Key = Key }).Redact("请拨13812345678。").Text);

    [Fact]
    public void Redact_Pseudonym_IsTheSameForTheSameValueAndUnlikeWithoutTheKey()
    {
        var redactor = new Redactor(new RedactionPolicy { Default = RedactionAction.Pseudonym, Key = Key });
        var other = new Redactor(new RedactionPolicy { Default = RedactionAction.Pseudonym, Key = "another secret of enough bytes"u8.ToArray() });
        string[] same = ["13812345678", "１３８１２３４５６７８", "138-1234-5678", "138 1234 5678"];
        var names = same.Select(v => redactor.Redact($"call {v} now").Text).Distinct().ToList();
        Assert.Single(names);
        Assert.NotEqual(names[0], redactor.Redact("call 13812345679 now").Text);
        Assert.NotEqual(names[0], other.Redact("call 13812345678 now").Text);
    }

    [Fact]
    public void Create_PseudonymsWithoutKey_IsRefused() =>
        Assert.Contains("16 bytes", Assert.Throws<ArgumentException>(() => new Redactor(new RedactionPolicy { Default = RedactionAction.Hash, Key = new byte[3] })).Message, StringComparison.Ordinal);

    [Fact]
    public void Create_PatternThatMayRunAway_IsRefusedByName() =>
        Assert.Contains("'loop'", Assert.Throws<ArgumentException>(() => new Redactor(new RedactionPolicy { Patterns = [new("loop", @"(?=a)(a+)+$")] })).Message, StringComparison.Ordinal);

    [Fact]
    public void Redact_HostileTextForAPattern_EndsInTime()
    {
        // The classic of exponential back-tracking; it must end, and say so if it ran out of time.
        var redactor = new Redactor(new RedactionPolicy { Patterns = [new("evil", "(a+)+b"), new("ticket", "TK-[0-9]{4}")], PatternTimeout = TimeSpan.FromMilliseconds(50) });
        var clock = Stopwatch.StartNew();
        var result = redactor.Redact(new string('a', 200_000) + " ＴＫ－１２３４");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"{clock.Elapsed}");
        Assert.Equal("ticket", Assert.Single(result.Findings).Type);
        Assert.EndsWith("[TICKET]", result.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_HostileDigits_EndsInTime()
    {
        var clock = Stopwatch.StartNew();
        foreach (var text in new[] { new string('1', 300_000), string.Concat(Enumerable.Repeat("1 ", 150_000)), string.Concat(Enumerable.Repeat("a1@", 100_000)), string.Concat(Enumerable.Repeat("1.1.1.1.", 40_000)), new string('@', 300_000), string.Concat(Enumerable.Repeat("(1", 100_000)) })
        {
            PersonalData.Find(text, context: true);
        }

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), $"{clock.Elapsed}");
    }

    [Fact]
    public void Find_LabelledTexts_ReachesPrecisionAndRecall()
    {
        var right = new Dictionary<string, (int Right, int Labelled, int Found)>();
        var decoys = 0;
        foreach (var sample in new LabelledPersonalData(seed: 3).Make(4_000))
        {
            var found = PersonalData.Find(sample.Text).Select(f => (f.Start, f.Length, Type: PersonalData.NameOf(f.Kind))).ToList();
            foreach (var f in found)
            {
                right[f.Type] = right.GetValueOrDefault(f.Type) with { Found = right.GetValueOrDefault(f.Type).Found + 1 };
            }

            foreach (var label in sample.Labels.Where(l => LabelledPersonalData.Checked.Contains(l.Type)))
            {
                var (r, l, f) = right.GetValueOrDefault(label.Type);
                right[label.Type] = (r + (found.Contains((label.Start, label.Length, label.Type)) ? 1 : 0), l + 1, f);
            }

            decoys += sample.Labels.Count(l => l.Type == "decoy" && found.Any(f => f.Start < l.Start + l.Length && l.Start < f.Start + f.Length));
        }

        Assert.Equal(0, decoys);
        Assert.All(LabelledPersonalData.Checked, type =>
        {
            var (r, labelled, found) = right[type];
            Assert.True(labelled > 300, $"{type}: only {labelled} labels");
            Assert.True(r >= 0.98 * found, $"{type}: precision {r}/{found}");
            Assert.True(r >= 0.97 * labelled, $"{type}: recall {r}/{labelled}");
        });
    }

    [Fact]
    public void Reveal_Pseudonym_GivesTheValueAndLeavesATrace()
    {
        var path = Path.Combine(_folder, "vault");
        var time = new FakeTimeProvider(new DateTimeOffset(2025, 3, 4, 5, 6, 7, TimeSpan.Zero));
        var vault = Vault.Open(path, Key);
        vault.Add("[PHONE_1]", "13812345678");
        vault.Save();
        Assert.DoesNotContain("13812345678", File.ReadAllText(path), StringComparison.Ordinal);

        var opened = Vault.Open(path, Key);
        Assert.Equal("13812345678", opened.Reveal("[PHONE_1]", "lead", "customer asked", time));
        Assert.Null(opened.Reveal("[PHONE_2]", "lead", "customer asked", time));
        Assert.Throws<ArgumentException>(() => opened.Reveal("[PHONE_1]", "lead", " ", time));
        var (accesses, intact) = Vault.Accesses(path);
        Assert.True(intact);
        Assert.Equal([("[PHONE_1]", true), ("[PHONE_2]", false)], accesses.Select(a => (a.Token, a.Found)));

        // Taking out the first line, or changing one, is noticed.
        var log = path + ".access.jsonl";
        File.WriteAllLines(log, File.ReadAllLines(log)[1..]);
        Assert.False(Vault.Accesses(path).Intact);
    }

    [Fact]
    public void Open_OtherKeyOrChangedFile_IsRefused()
    {
        var path = Path.Combine(_folder, "vault");
        var vault = Vault.Open(path, Key);
        vault.Add("[A]", "value");
        vault.Save();
        Assert.Throws<CryptographicException>(() => Vault.Open(path, "another secret of enough bytes"u8));
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
        Assert.Throws<CryptographicException>(() => Vault.Open(path, Key));
    }

    [Fact]
    public void Add_PseudonymOfTwoValues_IsRefused()
    {
        var vault = Vault.Open(Path.Combine(_folder, "vault"), Key);
        vault.Add("[A]", "13812345678");
        vault.Add("[A]", "138-1234-5678");
        Assert.Throws<InvalidOperationException>(() => vault.Add("[A]", "13812345679"));
    }

    [Fact]
    public void Run_AnyNumberOfWorkers_WritesTheSameBytes()
    {
        var input = Path.Combine(_folder, "in.jsonl");
        var samples = new LabelledPersonalData(seed: 5).Make(600).Select((s, i) => new JsonObject { ["id"] = $"138{i:D8}", ["messages"] = new JsonArray(new JsonObject { ["content"] = s.Text }), ["n"] = i }.ToJsonString());
        File.WriteAllLines(input, [.. samples, "not json", "", """{"id":"x","text":"nothing here","n":1.50}"""]);
        var policy = new RedactionPolicy { Default = RedactionAction.Pseudonym, Key = Key };
        var reports = new[] { 1, 3 }.Select(w => RedactionJob.Run(new RedactionRequest { Input = input, Output = Path.Combine(_folder, $"out{w}"), Policy = policy, Workers = w }, TestContext.Current.CancellationToken)).ToList();
        foreach (var file in new[] { "redacted.jsonl", "findings.jsonl", "report.json" })
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(_folder, "out1", file)), File.ReadAllBytes(Path.Combine(_folder, "out3", file)));
        }

        Assert.Equal((601, 1), (reports[0].Rows, reports[0].Rejected));
        var rows = File.ReadAllLines(Path.Combine(_folder, "out1", "redacted.jsonl"));
        Assert.Equal("""{"id":"x","text":"nothing here","n":1.50}""", rows[^1]);
        Assert.StartsWith("""{"id":"13800000000","messages":[{"content":""", rows[0], StringComparison.Ordinal);
        Assert.All(reports[0].Types["email"].Samples, s => Assert.DoesNotContain("@", s, StringComparison.Ordinal));
    }
}
