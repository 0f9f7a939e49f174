using Lauter.Models.Hub;

namespace Lauter.Tests.Models;

public sealed class HubClientTests
{
    private static readonly byte[] Weights = [.. Enumerable.Range(0, 1_000_000).Select(i => (byte)(i * 31 ^ (i >> 8)))];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(HubKind.HuggingFace, "apache-2.0")]
    [InlineData(HubKind.ModelScope, "mit")]
    public async Task Pull_WholeModel_FilesAreEqualAndTheLicenceIsRecorded(HubKind kind, string license)
    {
        using var folder = new TemporaryFolder();
        await using var hub = await HubAsync();

        var (pulled, where) = await PullAsync(hub, folder, kind);
        var before = hub.Requests.Count;
        var (again, _) = await PullAsync(hub, folder, kind);

        Assert.Equal(license, pulled.License);
        Assert.Equal(["README.md", "config.json", "model.safetensors"], pulled.Files.Select(file => file.Path).Order(StringComparer.Ordinal));
        Assert.Equal(Weights, await File.ReadAllBytesAsync(Path.Combine(where, "model.safetensors"), Stop));
        Assert.All(pulled.Files, file => Assert.Equal(64, file.Sha256!.Length));
        Assert.DoesNotContain(Directory.GetFiles(where), name => name.EndsWith(".part", StringComparison.Ordinal));

        // The second time only the listing is asked for.
        Assert.Equal(pulled.Files.Select(file => file.Sha256), again.Files.Select(file => file.Sha256));
        Assert.DoesNotContain(hub.Requests.Skip(before), request => request.Contains("model.safetensors", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Pull_ConnectionCutTwice_GoesOnWhereItEnded()
    {
        using var folder = new TemporaryFolder();
        await using var hub = await HubAsync();
        hub.Files.Remove("README.md");
        hub.Files.Remove("config.json");
        hub.Cuts.Enqueue(300_000);
        hub.Cuts.Enqueue(300_000);

        var (_, where) = await PullAsync(hub, folder);

        Assert.Equal(Weights, await File.ReadAllBytesAsync(Path.Combine(where, "model.safetensors"), Stop));
        var ranges = hub.Requests.Where(request => request.Contains("/resolve/", StringComparison.Ordinal)).Select(request => request.Split('|')[1]).ToList();
        Assert.Equal(3, ranges.Count);
        Assert.Equal("", ranges[0]);
        Assert.All(ranges.Skip(1), range => Assert.StartsWith("bytes=", range, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Pull_ProcessEndedHalfWay_TheNextOneGoesOn()
    {
        using var folder = new TemporaryFolder();
        await using var hub = await HubAsync();
        for (var i = 0; i < 10; i++)
        {
            hub.Cuts.Enqueue(i == 0 ? 400_000 : 0);
        }

        var exception = await Assert.ThrowsAsync<HubException>(() => PullAsync(hub, folder, files: ["model.safetensors"]));
        hub.Cuts.Clear();
        var (_, where) = await PullAsync(hub, folder, files: ["model.safetensors"]);

        Assert.Equal(HubFault.Unreachable, exception.Fault);
        Assert.Contains("are kept", exception.Message, StringComparison.Ordinal);
        Assert.StartsWith("bytes=", hub.Requests.Last().Split('|')[1], StringComparison.Ordinal);
        Assert.Equal(Weights, await File.ReadAllBytesAsync(Path.Combine(where, "model.safetensors"), Stop));
    }

    [Fact]
    public async Task Pull_ServerIgnoresRanges_StartsAgainAndIsRight()
    {
        using var folder = new TemporaryFolder();
        await using var hub = await HubAsync();
        hub.IgnoresRanges = true;
        hub.Cuts.Enqueue(500_000);

        var (_, where) = await PullAsync(hub, folder, files: ["model.safetensors"]);

        Assert.Equal(Weights, await File.ReadAllBytesAsync(Path.Combine(where, "model.safetensors"), Stop));
    }

    [Fact]
    public async Task Pull_PartOfAnotherVersion_IsThrownAwayByItsHash()
    {
        using var folder = new TemporaryFolder();
        await using var hub = await HubAsync();
        await File.WriteAllBytesAsync(folder.File("model.safetensors.part"), new byte[123_456], Stop);

        var (_, where) = await PullAsync(hub, folder, files: ["model.safetensors"]);

        Assert.Equal(Weights, await File.ReadAllBytesAsync(Path.Combine(where, "model.safetensors"), Stop));
    }

    [Fact]
    public async Task Pull_ContentWithAnotherHash_IsRefusedAndNothingStays()
    {
        using var folder = new TemporaryFolder();
        await using var hub = await HubAsync();
        hub.LiesAboutHash = true;

        var exception = await Assert.ThrowsAsync<HubException>(() => PullAsync(hub, folder));

        Assert.Equal(HubFault.Damaged, exception.Fault);
        Assert.Contains("039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81", exception.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.File("model.safetensors")));
        Assert.False(File.Exists(folder.File("model.safetensors.part")));
    }

    [Fact]
    public async Task Pull_TokenMissingOrWrong_SaysWhichVariable()
    {
        using var folder = new TemporaryFolder();
        await using var hub = await HubAsync();
        hub.RequiredToken = "hf_right";

        var wrong = await Assert.ThrowsAsync<HubException>(() => PullAsync(hub, folder, token: "hf_wrong"));
        var (pulled, _) = await PullAsync(hub, folder, token: "hf_right");

        Assert.Equal(HubFault.Refused, wrong.Fault);
        Assert.Contains("HF_TOKEN", wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hf_wrong", wrong.Message, StringComparison.Ordinal);
        Assert.Equal(3, pulled.Files.Count);
    }

    /// <summary>The token is for the hub; a store that files are redirected to must not see it.</summary>
    [Fact]
    public async Task Pull_FilesRedirectedElsewhere_ArriveWithoutTheToken()
    {
        using var folder = new TemporaryFolder();
        await using LocalHub hub = await HubAsync(), store = await HubAsync();
        hub.RequiredToken = "hf_secret";
        hub.RedirectTo = store.Address.ToString().TrimEnd('/');

        var (_, where) = await PullAsync(hub, folder, token: "hf_secret");

        Assert.Equal(Weights, await File.ReadAllBytesAsync(Path.Combine(where, "model.safetensors"), Stop));
        Assert.NotEmpty(store.Requests);
        Assert.All(store.Requests, request => Assert.EndsWith("|", request, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("org/absent", null, HubFault.NotFound, "404")]
    [InlineData("org/tiny", "missing.gguf", HubFault.NotFound, "has no file 'missing.gguf'")]
    public async Task Pull_NothingThere_NamesWhat(string model, string? file, HubFault fault, string message)
    {
        using var folder = new TemporaryFolder();
        await using var hub = await HubAsync();

        var exception = await Assert.ThrowsAsync<HubException>(() => PullAsync(hub, folder, model: model, files: file is null ? [] : [file]));

        Assert.Equal(fault, exception.Fault);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../outside.safetensors")]
    [InlineData("/etc/passwd.safetensors")]
    [InlineData("a\\b.safetensors")]
    [InlineData("C:x.safetensors")]
    [InlineData("lauter-source.json")]
    public async Task Pull_ListingWithAPathOutside_IsRefused(string path)
    {
        using var folder = new TemporaryFolder();
        await using var hub = await HubAsync();
        hub.ListedPath = path;

        var exception = await Assert.ThrowsAsync<HubException>(() => PullAsync(hub, folder));

        Assert.Equal(HubFault.BadAnswer, exception.Fault);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public async Task Pull_HubDown_TheMirrorAnswers()
    {
        using var folder = new TemporaryFolder();
        await using var mirror = await HubAsync();
        mirror.Overloaded = 1;
        var options = new HubOptions { Endpoint = new Uri("http://127.0.0.1:9/"), Mirrors = [mirror.Address], Folder = folder.Path, Pause = TimeSpan.FromMilliseconds(1) };
        using var client = new HubClient();

        var (pulled, where) = await client.PullAsync(HubReference.Parse("org/tiny"), options, Stop);

        Assert.Equal(mirror.Address.ToString(), pulled.Endpoint);
        Assert.Equal(Weights, await File.ReadAllBytesAsync(Path.Combine(where, "model.safetensors"), Stop));
    }

    [Fact]
    public async Task Pull_Offline_AnswersFromTheFolderAndChecksIt()
    {
        using var folder = new TemporaryFolder();
        await using var hub = await HubAsync();
        using var client = new HubClient();
        var offline = new HubOptions { Endpoint = hub.Address, Folder = folder.Path, Offline = true };
        var never = await Assert.ThrowsAsync<HubException>(() => client.PullAsync(HubReference.Parse("org/tiny"), offline, Stop));
        await PullAsync(hub, folder);
        var before = hub.Requests.Count;

        var (pulled, where) = await client.PullAsync(HubReference.Parse("org/tiny"), offline, Stop);
        await File.AppendAllTextAsync(Path.Combine(where, "config.json"), " ", Stop);
        var changed = await Assert.ThrowsAsync<HubException>(() => client.PullAsync(HubReference.Parse("org/tiny"), offline, Stop));

        Assert.Equal((HubFault.Offline, HubFault.Damaged, before), (never.Fault, changed.Fault, hub.Requests.Count));
        Assert.Equal("apache-2.0", pulled.License);
    }

    [Fact]
    public async Task Pull_OnlyPickledWeights_IsRefusedWithTheReason()
    {
        using var folder = new TemporaryFolder();
        await using var hub = await HubAsync();
        hub.Files.Remove("model.safetensors");
        hub.Files["pytorch_model.bin"] = [1, 2, 3];

        var exception = await Assert.ThrowsAsync<HubException>(() => PullAsync(hub, folder));

        Assert.Equal(HubFault.Unusable, exception.Fault);
        Assert.Contains("runs code", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tiny")]
    [InlineData("a/b/c")]
    [InlineData("../b")]
    [InlineData("a/b@")]
    [InlineData("a/..b@x/../y")]
    public void Parse_NoModelName_IsRefused(string text) => Assert.Throws<ArgumentException>(() => HubReference.Parse(text));

    private static async Task<LocalHub> HubAsync()
    {
        var hub = await LocalHub.StartAsync();
        hub.Files["config.json"] = "{\"model_type\":\"llama\"}"u8.ToArray();
        hub.Files["README.md"] = "---\nlicense: apache-2.0\n---\n"u8.ToArray();
        hub.Files["model.safetensors"] = Weights;
        hub.Files["notes/extra.txt"] = "x"u8.ToArray();
        return hub;
    }

    private static async Task<(PulledModel Model, string Folder)> PullAsync(LocalHub hub, TemporaryFolder folder, HubKind kind = HubKind.HuggingFace, string? token = null, string model = "org/tiny", string[]? files = null)
    {
        using var client = new HubClient();
        return await client.PullAsync(
            HubReference.Parse(model),
            new HubOptions { Kind = kind, Endpoint = hub.Address, Folder = folder.Path, Token = token, Files = files ?? [], Retries = 2, Pause = TimeSpan.FromMilliseconds(1), Stall = TimeSpan.FromSeconds(20) },
            Stop);
    }
}
