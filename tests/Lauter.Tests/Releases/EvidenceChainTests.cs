using System.Text;
using System.Text.Json;
using Lauter.Catalog.Objects;
using Lauter.Releases.Evidence;

namespace Lauter.Tests.Releases;

public sealed class EvidenceChainTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly ObjectStore _store;
    private readonly Dictionary<string, string> _names = [];
    private readonly string _release;

    public EvidenceChainTests()
    {
        _store = new ObjectStore(_directory.File("objects"));
        Directory.CreateDirectory(_directory.File("project"));
        var source = Store("tickets.jsonl", "{\"text\":\"the kettle leaks\"}\n");
        File.WriteAllText(_directory.File("project/tickets.jsonl"), "{\"text\":\"the kettle leaks\"}\n");
        var dataset = Write(new Manifest
        {
            Kind = "dataset", Name = "tickets", Objects = [FileOf("data-00000.parquet", "columns")],
            Sources = [new ManifestSource("tickets.jsonl", source, 28)],
        });
        var suite = Write(new Manifest { Kind = "suite", Name = "tickets/test", Objects = [FileOf("suite.json", "items")], Inputs = [Link("dataset", dataset)] });
        var model = Write(new Manifest { Kind = "model", Name = "triage-sft", Objects = [FileOf("model.gguf", "weights")], Inputs = [Link("data", dataset)] });
        var card = Write(new Manifest
        {
            Kind = "scorecard", Name = "triage", Objects = [FileOf("scorecard.json", "scores")], Inputs = [Link("suite", suite), Link("model", model)],
        });
        _release = Write(new Manifest { Kind = "release", Name = "triage", Inputs = [Link("model", model), Link("scorecard", card)] });
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Verify_IntactChain_ReadsEverythingOnce()
    {
        var report = EvidenceChain.Verify(_store, _release, _directory.File("project"));
        Assert.True(report.Intact, EvidenceTree.Render(report));
        Assert.Equal((5, 4, 1), (report.Nodes.Count, report.ObjectsChecked, report.SourcesChecked));
        Assert.Equal(_store.Names().Sum(name => new FileInfo(_store.PathOf(name)).Length), report.BytesChecked);
        Assert.Empty(report.SourceChanges);
    }

    [Fact]
    public void Verify_AnyByteOfAnyObjectFlipped_NamesTheObjectAndTheRelease()
    {
        foreach (var name in _store.Names().ToArray())
        {
            var path = _store.PathOf(name);
            var bytes = File.ReadAllBytes(path);
            foreach (var at in new[] { 0, bytes.Length / 2, bytes.Length - 1 })
            {
                var changed = (byte[])bytes.Clone();
                changed[at] ^= 1;
                Replace(path, changed);
                var report = EvidenceChain.Verify(_store, _release);
                Assert.False(report.Intact);
                Assert.Contains(report.Faults, f => f.Sha256 == name && f.Kind == EvidenceFaultKind.Changed);
                Assert.All(report.Faults, f => Assert.Contains(_release[..12], f.Dependents[^1]));
            }

            Replace(path, bytes);
        }

        Assert.True(EvidenceChain.Verify(_store, _release).Intact);
    }

    [Fact]
    public void Verify_ModelFileGone_NamesWhatRestsOnIt()
    {
        File.Delete(_store.PathOf(_names["model.gguf"]));
        var report = EvidenceChain.Verify(_store, _release);
        var fault = Assert.Single(report.Faults);
        Assert.Equal((EvidenceFaultKind.Missing, "file model.gguf of model triage-sft"), (fault.Kind, fault.What));
        Assert.Equal(["model triage-sft", "release triage", "scorecard triage"], fault.Dependents.Select(d => d[..^13]).Order(StringComparer.Ordinal));
        Assert.False(report.Nodes.Single(n => n.Kind == "model").Intact);
        Assert.True(report.Nodes.Single(n => n.Kind == "dataset").Intact);
    }

    [Fact]
    public void Verify_SeveralFaults_NamesAllOfThem()
    {
        File.Delete(_store.PathOf(_names["suite.json"]));
        Replace(_store.PathOf(_names["model.gguf"]), Encoding.UTF8.GetBytes("Weights"));
        Replace(_store.PathOf(_names["tickets.jsonl"]), []);
        var report = EvidenceChain.Verify(_store, _release);
        Assert.Equal(
            ["file model.gguf of model triage-sft", "file suite.json of suite tickets/test", "source tickets.jsonl of dataset tickets"],
            report.Faults.Select(f => f.What).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Verify_LinkThatCallsItsTargetOtherwise_IsAFault()
    {
        var model = Write(new Manifest { Kind = "model", Name = "other" });
        var release = Write(new Manifest { Kind = "release", Name = "triage", Inputs = [new ManifestLink("model", "model", "triage-sft", model)] });
        var fault = Assert.Single(EvidenceChain.Verify(_store, release).Faults);
        Assert.Equal(EvidenceFaultKind.WrongLink, fault.Kind);
        Assert.Contains("model other", fault.Detail);
    }

    [Fact]
    public void Verify_InputThatIsNoManifest_IsAFault()
    {
        var release = Write(new Manifest { Kind = "release", Name = "triage", Inputs = [new ManifestLink("model", "model", "m", _names["model.gguf"])] });
        Assert.Equal(EvidenceFaultKind.NotAManifest, Assert.Single(EvidenceChain.Verify(_store, release).Faults).Kind);
    }

    [Fact]
    public void Verify_LengthNotAsStated_IsAFault()
    {
        var release = Write(new Manifest { Kind = "release", Name = "triage", Objects = [new ManifestObject("model.gguf", _names["model.gguf"], 6)] });
        Assert.Equal(EvidenceFaultKind.WrongLength, Assert.Single(EvidenceChain.Verify(_store, release).Faults).Kind);
    }

    [Theory]
    [InlineData("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    [InlineData("not a name")]
    public void Verify_UnknownRelease_IsAFaultNotAnException(string name)
    {
        var report = EvidenceChain.Verify(_store, name);
        Assert.Equal(EvidenceFaultKind.Missing, Assert.Single(report.Faults).Kind);
        Assert.Contains("FAULT", EvidenceTree.Render(report));
    }

    [Fact]
    public void Verify_SourceEditedSince_IsInformationNotAFault()
    {
        File.AppendAllText(_directory.File("project/tickets.jsonl"), "{}\n");
        var report = EvidenceChain.Verify(_store, _release, _directory.File("project"));
        Assert.True(report.Intact);
        Assert.Equal([new SourceChange("tickets.jsonl", "changed")], report.SourceChanges);
        File.Delete(_directory.File("project/tickets.jsonl"));
        Assert.Equal("removed", Assert.Single(EvidenceChain.Verify(_store, _release, _directory.File("project")).SourceChanges).State);
    }

    [Fact]
    public void Render_IntactChain_DrawsEachManifestOnce()
    {
        var text = EvidenceTree.Render(EvidenceChain.Verify(_store, _release));
        string[] expected =
        [
            "release triage", "├─ model: model triage-sft", "│  └─ data: dataset tickets", "│     └─ source tickets.jsonl", "└─ scorecard: scorecard triage", "   ├─ suite: suite tickets/test",
            "   │  └─ dataset: dataset tickets", "   └─ model: model triage-sft", "", "intact: 5 manifests, 4 files, 1 sources,",
        ];
        var lines = text.TrimEnd('\n').Split('\n');
        Assert.Equal(expected.Length, lines.Length);
        Assert.All(expected.Zip(lines), pair => Assert.StartsWith(pair.First, pair.Second));
        Assert.Equal(2, lines.Count(l => l.EndsWith("(above)")));
    }

    [Fact]
    public void ToBytes_Report_IsJsonWithFrozenWords()
    {
        File.Delete(_store.PathOf(_names["model.gguf"]));
        using var document = JsonDocument.Parse(EvidenceChain.Verify(_store, _release).ToBytes());
        Assert.False(document.RootElement.GetProperty("intact").GetBoolean());
        Assert.Equal("missing", document.RootElement.GetProperty("faults")[0].GetProperty("kind").GetString());
    }

    private string Store(string name, string content) => _names[name] = _store.Write(Encoding.UTF8.GetBytes(content));

    private ManifestObject FileOf(string name, string content) => new(name, Store(name, content), Encoding.UTF8.GetByteCount(content));

    private string Write(Manifest manifest) => manifest.WriteTo(_store);

    private ManifestLink Link(string role, string sha256)
    {
        var manifest = Manifest.Read(_store, sha256);
        return new ManifestLink(role, manifest.Kind, manifest.Name, sha256);
    }

    private static void Replace(string path, byte[] bytes)
    {
        File.Delete(path);
        File.WriteAllBytes(path, bytes);
    }
}
