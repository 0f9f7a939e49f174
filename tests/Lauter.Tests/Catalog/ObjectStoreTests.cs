using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Lauter.Catalog.Objects;

namespace Lauter.Tests.Catalog;

public sealed class ObjectStoreTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("lauter-objects-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void Write_KnownBytes_IsNamedBySha256()
    {
        // FIPS 180-2 example: SHA-256 of "abc".
        var name = new ObjectStore(_directory.FullName).Write("abc"u8);
        Assert.Equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", name);
    }

    [Fact]
    public void Write_AnyBytes_ReadBackAndNothingIsLeftBehind()
    {
        var store = new ObjectStore(_directory.FullName);
        Gen.Byte.Array[0, 3000].Sample(
            bytes =>
            {
                var name = store.Write(bytes);
                var fromStream = store.Write(new MemoryStream(bytes));
                return name == fromStream.Sha256 && fromStream.Bytes == bytes.Length && store.IsIntact(name) && store.ReadAllBytes(name).SequenceEqual(bytes);
            },
            iter: 200,
            writeLine: TestContext.Current.TestOutputHelper!.WriteLine);
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(_directory.FullName, "incoming")));
    }

    [Fact]
    public void IsIntact_OneByteFlipped_False()
    {
        var store = new ObjectStore(_directory.FullName);
        var name = store.Write("the clear wort"u8);
        var path = store.PathOf(name);
        File.SetAttributes(path, FileAttributes.Normal);
        var bytes = File.ReadAllBytes(path);
        bytes[3] ^= 1;
        File.WriteAllBytes(path, bytes);
        Assert.True(store.Contains(name));
        Assert.False(store.IsIntact(name));
    }

    [Fact]
    public void OpenRead_Missing_NamesTheObject()
    {
        var missing = new string('a', 64);
        var e = Assert.Throws<ObjectMissingException>(() => new ObjectStore(_directory.FullName).OpenRead(missing));
        Assert.Equal(missing, e.Sha256);
    }

    [Fact]
    public void CanonicalJson_MemberOrderAndSpace_DoNotMatter()
    {
        var a = JsonNode.Parse("""{ "b": [1, 2.50, "é中"], "a": { "y": null, "x": true } }""");
        Assert.Equal("""{"a":{"x":true,"y":null},"b":[1,2.50,"é中"]}""", Encoding.UTF8.GetString(CanonicalJson.Serialize(a)));
    }

    /// <summary>Versions of everything are hashes of this form: a change here would orphan every existing project. Add members, never rename.</summary>
    [Fact]
    public void Manifest_Form_IsFrozen()
    {
        var manifest = new Manifest
        {
            Kind = "dataset",
            Name = "tickets",
            Objects = [new ManifestObject("data-00000.parquet", new string('0', 64), 12)],
            Inputs = [new ManifestLink("raw", "documents-raw", "tickets", new string('1', 64))],
            Sources = [new ManifestSource("tickets.jsonl", new string('2', 64), 7)],
            Facts = new JsonObject { ["rows"] = 3 },
        };
        Assert.Equal(
            $$"""{"facts":{"rows":3},"inputs":[{"kind":"documents-raw","name":"tickets","role":"raw","sha256":"{{new string('1', 64)}}"}],"kind":"dataset","name":"tickets","objects":[{"bytes":12,"name":"data-00000.parquet","sha256":"{{new string('0', 64)}}"}],"sources":[{"bytes":7,"path":"tickets.jsonl","sha256":"{{new string('2', 64)}}"}]}""",
            Encoding.UTF8.GetString(manifest.ToBytes()));
    }
}
