using System.Net.Sockets;
using Lauter.Catalog.Objects;
using Lauter.Catalog.Plan;
using Lauter.Catalog.Projects;

namespace Lauter.Commands;

/// <summary>Maps exceptions to messages for people and to exit codes.</summary>
internal static class Failures
{
    private const int NoSpaceLeft = 28;

    /// <summary>Writes the message to standard error and returns the exit code.</summary>
    public static int Report(Exception exception, bool cancelled)
    {
        var (code, message) = Describe(exception, cancelled);
        System.Console.Error.WriteLine($"lauter: {message}");
        if (code == ExitCodes.Failure && Environment.GetEnvironmentVariable("LAUTER_TRACE") == "1")
        {
            System.Console.Error.WriteLine(exception);
        }

        return code;
    }

    /// <summary>The exit code and the words for <paramref name="exception"/>.</summary>
    public static (int Code, string Message) Describe(Exception exception, bool cancelled)
    {
        if (cancelled && exception is OperationCanceledException)
        {
            return (ExitCodes.Cancelled, "stopped. Finished steps are kept; run the same command to go on.");
        }

        if (IsDiskFull(exception))
        {
            return (ExitCodes.DiskFull, "the disk is full. Free some space (nothing half-written is kept), then run the same command to go on.");
        }

        if (IsAddressInUse(exception))
        {
            return (ExitCodes.AddressInUse, "the address is taken by another program. Choose another with --listen http://127.0.0.1:PORT, or stop that program.");
        }

        return exception switch
        {
            ProjectFileException e => (ExitCodes.ProjectInvalid, e.Message),
            ProjectBusyException e => (ExitCodes.Busy, e.Message),
            CommandException e => (e.ExitCode, e.Message),
            StepFailedException { InnerException: ObjectMissingException or DllNotFoundException or TypeInitializationException } e => (Describe(e.InnerException!, cancelled).Code, e.Message),
            StepFailedException e => (ExitCodes.StepFailed, e.Message),
            ObjectMissingException e => (ExitCodes.VerificationFailed, e.Message),
            FileNotFoundException or DirectoryNotFoundException => (ExitCodes.InputMissing, exception.Message),
            AggregateException { InnerExceptions: [var only] } => Describe(only, cancelled),
            DllNotFoundException or TypeInitializationException { InnerException: DllNotFoundException } =>
                (ExitCodes.MachineUnfit, $"a native library could not be loaded: {exception.InnerException?.Message ?? exception.Message} Run 'lauter doctor'."),
            _ => (ExitCodes.Failure, $"{exception.Message} (set LAUTER_TRACE=1 to see where)"),
        };
    }

    /// <summary>The web server wraps the socket's own exception twice.</summary>
    private static bool IsAddressInUse(Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException)
        {
            if (exception is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse })
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsDiskFull(Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException)
        {
            if (exception is IOException && (exception.HResult & 0xFFFF) is NoSpaceLeft or 0x70)
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>A verb ends with this message and exit code.</summary>
internal sealed class CommandException(int exitCode, string message) : Exception(message)
{
    /// <summary>One of <see cref="ExitCodes"/>.</summary>
    public int ExitCode { get; } = exitCode;
}
