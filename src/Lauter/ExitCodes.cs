namespace Lauter;

/// <summary>What the program's exit codes mean. Frozen: scripts rely on them; add new ones at the end.</summary>
internal static class ExitCodes
{
    /// <summary>Done.</summary>
    public const int Success = 0;

    /// <summary>A fault that no other code names; the message says which.</summary>
    public const int Failure = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>The project file is missing or has faults.</summary>
    public const int ProjectInvalid = 3;

    /// <summary>A file that was asked for is not there or can't be read.</summary>
    public const int InputMissing = 4;

    /// <summary>A step failed.</summary>
    public const int StepFailed = 5;

    /// <summary>The gate said fail.</summary>
    public const int GateFailed = 6;

    /// <summary>The gate said insufficient evidence.</summary>
    public const int GateInsufficient = 7;

    /// <summary>The evidence chain has a fault.</summary>
    public const int VerificationFailed = 8;

    /// <summary>The address to listen on is taken.</summary>
    public const int AddressInUse = 9;

    /// <summary>The disk is full.</summary>
    public const int DiskFull = 10;

    /// <summary>Another process works on the same project.</summary>
    public const int Busy = 11;

    /// <summary>The machine lacks something that Lauter needs; <c>lauter doctor</c> names it.</summary>
    public const int MachineUnfit = 12;

    /// <summary>Stopped by Ctrl+C or SIGTERM.</summary>
    public const int Cancelled = 130;
}
