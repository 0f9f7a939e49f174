using Lauter.Gateway.Keys;
using Microsoft.Extensions.Time.Testing;

namespace Lauter.Tests.Gateway;

public sealed class ApiKeyStoreTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-keys-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero));

    private string FilePath => Path.Combine(_directory, "keys.json");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Authenticate_KeyOfAnotherProcess_WorksAndEndsWithinASecond()
    {
        var serving = new ApiKeyStore(FilePath, _time);
        var other = new ApiKeyStore(FilePath, _time);
        var (key, stored) = other.Create("new");
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(stored.Id, serving.Authenticate("Bearer " + key)?.Id);

        other.Revoke(stored.Id);
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Null(serving.Authenticate("Bearer " + key));
    }

    [Fact]
    public void Authenticate_Expiry_IsExclusive()
    {
        var store = new ApiKeyStore(FilePath, _time);
        var (key, _) = store.Create("short", expires: _time.GetUtcNow().AddHours(1));

        Assert.NotNull(store.Authenticate("bearer " + key));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Null(store.Authenticate("Bearer " + key));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Basic lk-x")]
    [InlineData("Bearer \ud800")]
    public void Authenticate_Nonsense_IsNoKey(string? header)
    {
        var store = new ApiKeyStore(FilePath, _time);
        store.Create("some");

        Assert.Null(store.Authenticate(header));
    }

    [Fact]
    public void Create_Keys_AreLongAndDiffer()
    {
        var store = new ApiKeyStore(FilePath, _time);
        var keys = Enumerable.Range(0, 20).Select(_ => store.Create("k").Key).ToList();

        Assert.Equal(20, keys.Distinct().Count());
        Assert.All(keys, k => Assert.Matches("^lk-[A-Za-z0-9_-]{43}$", k));
        Assert.Equal(20, new ApiKeyStore(FilePath, _time).Keys.Count);
    }

    [Fact]
    public void Open_BrokenFile_NamesIt()
    {
        File.WriteAllText(FilePath, "{");

        Assert.Contains(FilePath, Assert.Throws<InvalidDataException>(() => new ApiKeyStore(FilePath, _time)).Message, StringComparison.Ordinal);
    }
}
