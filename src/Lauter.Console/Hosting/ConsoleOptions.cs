using Lauter.Console.SignIn;

namespace Lauter.Console;

/// <summary>Settings of the console.</summary>
public sealed record ConsoleOptions
{
    /// <summary>Name of the project that <c>/</c> shows; handed to <see cref="IConsoleSource.GetAsync"/>.</summary>
    public required string Project { get; init; }

    /// <summary>The project's <c>.lauter</c>: the ring of cookie keys is kept in its folder <c>console-keys</c>.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>The password, from <see cref="ConsolePassword.OpenOrCreate"/>.</summary>
    public required ConsolePassword Password { get; init; }

    /// <summary>Time between two refreshes while something runs, default 2 s.</summary>
    public TimeSpan RefreshWhileRunning { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Time between two refreshes otherwise, default 15 s.</summary>
    public TimeSpan RefreshWhileIdle { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a sign-in holds without use, default 12 hours.</summary>
    public TimeSpan SignInLifetime { get; init; } = TimeSpan.FromHours(12);
}
