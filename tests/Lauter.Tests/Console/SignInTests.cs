using Lauter.Console.SignIn;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Lauter.Tests.Console;

public sealed class SignInTests : IDisposable
{
    private readonly DirectoryInfo _state = Directory.CreateTempSubdirectory("lauter-console-");
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 14, 9, 0, 0, TimeSpan.Zero));

    [Fact]
    public void Password_FirstStart_IsMadeOnceAndOnlyItsHashIsKept()
    {
        var first = ConsolePassword.OpenOrCreate(_state.FullName, _time, out var created);
        var second = ConsolePassword.OpenOrCreate(_state.FullName, _time, out var again);
        Assert.Null(again);
        Assert.NotNull(created);
        Assert.True(created.Length >= 20);
        Assert.True(first.Matches(created));
        Assert.True(second.Matches(created));
        Assert.False(second.Matches(created + "x"));
        Assert.False(second.Matches(""));
        Assert.DoesNotContain(created, File.ReadAllText(Path.Combine(_state.FullName, ConsolePassword.FileName)), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_state.FullName, ConsolePassword.FileName)));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"format":1,"algorithm":"pbkdf2-sha256","iterations":1,"salt":"AAAA","hash":"AAAA","created":"2026-01-01T00:00:00Z"}""")]
    public void Password_DamagedFile_NamesItAndTheWayOut(string content)
    {
        File.WriteAllText(Path.Combine(_state.FullName, ConsolePassword.FileName), content);
        var fault = Assert.Throws<InvalidDataException>(() => ConsolePassword.OpenOrCreate(_state.FullName, _time, out _));
        Assert.Contains(ConsolePassword.FileName, fault.Message, StringComparison.Ordinal);
        Assert.Contains("Delete it", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Guard_FiveWrongPasswords_LocksTheAddressEvenForTheRightOne()
    {
        using var guard = new SignInGuard(password => password == "right", _time, NullLogger<SignInGuard>.Instance);
        for (var i = 0; i < SignInGuard.Allowed; i++)
        {
            Assert.False((await TryAsync(guard, "10.0.0.1", "wrong")).Accepted);
        }

        var locked = await TryAsync(guard, "10.0.0.1", "right");
        Assert.False(locked.Accepted);
        Assert.Equal(TimeSpan.FromMinutes(1), locked.LockedFor);
        Assert.True((await TryAsync(guard, "10.0.0.2", "right")).Accepted);

        _time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(TimeSpan.FromMinutes(2), (await TryAsync(guard, "10.0.0.1", "wrong")).LockedFor);
        _time.Advance(TimeSpan.FromSeconds(121));
        Assert.True((await TryAsync(guard, "10.0.0.1", "right")).Accepted);
        Assert.Null((await TryAsync(guard, "10.0.0.1", "wrong")).LockedFor);
    }

    [Fact]
    public async Task Guard_ManyAddresses_AreLockedTogether()
    {
        using var guard = new SignInGuard(password => password == "right", _time, NullLogger<SignInGuard>.Instance);
        for (var i = 0; i < SignInGuard.Allowed * 10; i++)
        {
            await TryAsync(guard, "10.0.1." + i, "wrong");
        }

        Assert.NotNull((await TryAsync(guard, "10.0.2.1", "right")).LockedFor);
    }

    public void Dispose() => _state.Delete(recursive: true);

    private static Task<SignInOutcome> TryAsync(SignInGuard guard, string address, string password) =>
        guard.TryAsync(address, password, TestContext.Current.CancellationToken);
}
