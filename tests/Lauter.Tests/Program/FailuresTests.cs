using System.Net.Sockets;
using System.Reflection;
using Lauter.Catalog.Objects;
using Lauter.Catalog.Plan;
using Lauter.Catalog.Projects;
using Lauter.Commands;

namespace Lauter.Tests.Program;

public sealed class FailuresTests
{
    public static TheoryData<Exception, bool, int> Cases => new()
    {
        { new OperationCanceledException(), true, 130 },
        { new OperationCanceledException(), false, 1 },
        { new ProjectFileException("lauter.yaml", [], missing: true), false, 3 },
        { new FileNotFoundException("x"), false, 4 },
        { new StepFailedException("train: the loss is not a number"), false, 5 },
        { new StepFailedException("read: full", new IOException("No space left on device", 28)), false, 10 },
        { new StepFailedException("index: gone", new ObjectMissingException(new string('a', 64))), false, 8 },
        { new StepFailedException("train: no torch", new DllNotFoundException("libtorch")), false, 12 },
        { new IOException("bind", new InvalidOperationException("in use", new SocketException((int)SocketError.AddressAlreadyInUse))), false, 9 },
        { new ProjectBusyException("run.lock"), false, 11 },
        { new CommandException(7, "insufficient"), false, 7 },
        { new AggregateException(new FileNotFoundException("x")), false, 4 },
        { new InvalidOperationException("?"), false, 1 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Describe_EachKind_HasItsExitCodeAndAMessage(Exception exception, bool cancelled, int code)
    {
        var described = Failures.Describe(exception, cancelled);
        Assert.Equal(code, described.Code);
        Assert.NotEmpty(described.Message);
    }

    /// <summary>Scripts rely on these numbers. Never change one: add a new code at the end, and to docs/howto/exit-codes.md.</summary>
    [Fact]
    public void ExitCodes_Values_AreFrozen() => Assert.Equal(
        "Success=0 Failure=1 Usage=2 ProjectInvalid=3 InputMissing=4 StepFailed=5 GateFailed=6 GateInsufficient=7 VerificationFailed=8 AddressInUse=9 DiskFull=10 Busy=11 MachineUnfit=12 Cancelled=130",
        string.Join(" ", typeof(ExitCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => $"{f.Name}={f.GetRawConstantValue()}")));
}
