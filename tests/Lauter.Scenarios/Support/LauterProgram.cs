using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;

namespace Lauter.Scenarios.Support;

/// <summary>What the program wrote and how it ended.</summary>
public sealed record ProgramResult(int ExitCode, string Output, string Error)
{
    public override string ToString() => $"exit code {ExitCode}\n--- stdout\n{Output}\n--- stderr\n{Error}";
}

/// <summary>The built program as a child process, driven from outside like a person would.</summary>
public sealed class LauterProgram : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();
    private readonly Lock _lock = new();

    private LauterProgram(string[] arguments)
    {
        // A test run in the background of a shell ignores Ctrl+C, and its children inherit that; the program must meet it as in a terminal.
        var start = new ProcessStartInfo("env")
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false, WorkingDirectory = RepositoryRoot,
        };
        foreach (var argument in (string[])["--default-signal=INT,QUIT,HUP", "dotnet", Binary, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, e) => Append(_output, e.Data);
        _process.ErrorDataReceived += (_, e) => Append(_error, e.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public static string RepositoryRoot { get; } = FindRepositoryRoot();

    /// <summary>The program that was built together with these tests.</summary>
    public static string Binary { get; } = Path.Combine(
        RepositoryRoot, "src", "Lauter", "bin", Path.GetFileName(Path.GetDirectoryName(AppContext.BaseDirectory.TrimEnd('/'))!), "net10.0", "lauter.dll");

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public string Output
    {
        get
        {
            lock (_lock)
            {
                return _output.ToString();
            }
        }
    }

    public string Error
    {
        get
        {
            lock (_lock)
            {
                return _error.ToString();
            }
        }
    }

    public static LauterProgram Start(params string[] arguments) => new(arguments);

    /// <summary>Runs to the end; kills it and fails when it takes longer than <paramref name="limit"/>.</summary>
    public static async Task<ProgramResult> RunAsync(TimeSpan limit, params string[] arguments)
    {
        using var program = Start(arguments);
        return await program.WaitAsync(limit);
    }

    public async Task<ProgramResult> WaitAsync(TimeSpan limit)
    {
        using var deadline = new CancellationTokenSource(limit);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            Assert.Fail($"The program did not end within {limit}.\n{Output}\n{Error}");
        }

        return new ProgramResult(_process.ExitCode, Output, Error);
    }

    /// <summary>Waits until <paramref name="seen"/> holds for what was written so far.</summary>
    public async Task WaitForAsync(Func<string, bool> seen, TimeSpan limit, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!seen(Output + Error))
        {
            Assert.False(_process.HasExited, $"The program ended with {(_process.HasExited ? _process.ExitCode : 0)} before {what}.\n{Output}\n{Error}");
            Assert.True(clock.Elapsed < limit, $"Waited {limit} for {what}.\n{Output}\n{Error}");
            await Task.Delay(100);
        }
    }

    /// <summary>Sends SIGKILL to this process alone, as a crash or the kernel would.</summary>
    public void KillHard() => Signal(_process.Id, 9);

    /// <summary>Ctrl+C.</summary>
    public void Interrupt() => Signal(_process.Id, 2);

    public static void Signal(int process, int signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{process}"]);
        kill.WaitForExit();
    }

    /// <summary>Ids of the children whose command line contains <paramref name="text"/>.</summary>
    public IReadOnlyList<int> Children(string text) =>
    [
        .. from directory in Directory.EnumerateDirectories("/proc")
           let name = Path.GetFileName(directory)
           where int.TryParse(name, out _)
           let line = Read(Path.Combine(directory, "cmdline")).Replace('\0', ' ')
           let stat = Read(Path.Combine(directory, "stat"))
           where line.Contains(text, StringComparison.Ordinal) && stat.Contains($") S {Id} ", StringComparison.Ordinal) | stat.Contains($") R {Id} ", StringComparison.Ordinal)
           select int.Parse(name),
    ];

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A process may end between the listing and the reading.
            return "";
        }
    }

    private void Append(StringBuilder target, string? line)
    {
        if (line is not null)
        {
            lock (_lock)
            {
                target.AppendLine(line);
            }
        }
    }

    private static string FindRepositoryRoot([CallerFilePath] string thisFile = "")
    {
        for (var directory = Path.GetDirectoryName(thisFile); directory is not null; directory = Path.GetDirectoryName(directory))
        {
            if (File.Exists(Path.Combine(directory, "lauter.slnx")))
            {
                return directory;
            }
        }

        throw new DirectoryNotFoundException($"lauter.slnx was not found above {thisFile}.");
    }
}
