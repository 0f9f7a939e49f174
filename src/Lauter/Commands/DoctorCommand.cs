using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Catalog.Projects;

namespace Lauter.Commands;

/// <summary><c>lauter doctor</c>: whether this machine can run Lauter, and what to do when it can't.</summary>
internal static class DoctorCommand
{
    private sealed record Finding(string Check, bool Good, string Seen, string WayOut);

    public static Command Create()
    {
        var project = Arguments.Project();
        var format = Arguments.Format();
        var command = new Command("doctor", "Check this machine and the project: natives, memory, disk, address, project file.") { project, format };
        command.SetAction(result =>
        {
            var findings = Check(result.GetValue(project)!).ToList();
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(new JsonArray([.. findings.Select(f => (JsonNode)new JsonObject
                {
                    ["check"] = f.Check, ["good"] = f.Good, ["seen"] = f.Seen, ["way_out"] = f.Good ? null : f.WayOut,
                })]));
            }
            else
            {
                foreach (var finding in findings)
                {
                    System.Console.WriteLine($"{(finding.Good ? "good" : "BAD "),-5}{finding.Check,-22}{finding.Seen}");
                    if (!finding.Good)
                    {
                        System.Console.WriteLine($"{"",-27}{finding.WayOut}");
                    }
                }
            }

            return findings.TrueForAll(f => f.Good) ? ExitCodes.Success : ExitCodes.MachineUnfit;
        });
        return command;
    }

    private static IEnumerable<Finding> Check(string directory)
    {
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1024.0 * 1024 * 1024);
        yield return new Finding("platform", Environment.Is64BitProcess, $"{RuntimeInformation.OSDescription}, {RuntimeInformation.RuntimeIdentifier}, {Environment.ProcessorCount} cores", "A 64-bit system is needed.");
        yield return new Finding("memory", memory >= 3, $"{memory:0.0} GiB", "Training and serving the example need about 3 GiB: raise the container's limit.");
        yield return new Finding("unicode", "ＡＢ㎏".Normalize(NormalizationForm.FormKC) == "ABkg" && CultureInfo.InvariantCulture.Name.Length == 0, "NFKC folding", "Install libicu (Debian: apt install libicu72) and unset DOTNET_SYSTEM_GLOBALIZATION_INVARIANT.");
        yield return Try("training library", "Install a libstdc++ of GCC 9 or newer, and build the program anew so that the native fix runs.", () =>
        {
            using var tensor = TorchSharp.torch.ones(2, 2);
            return $"TorchSharp adds up to {tensor.sum().item<float>():0}";
        });
        yield return Try("inference library", "Install libgomp1 (Debian: apt install libgomp1).", () => $"llama.cpp, up to {LLama.Native.NativeApi.llama_max_devices()} devices");
        var full = Path.GetFullPath(directory);
        var free = new DriveInfo(full).AvailableFreeSpace / (1024.0 * 1024 * 1024);
        yield return new Finding("disk", free >= 2, $"{free:0.0} GiB free", "A run of the example needs about 1 GiB; free some space.");
        Project? project = null;
        yield return Try("project file", "Mend lauter.yaml; every fault is listed with its line.", () =>
        {
            project = ProjectFile.Load(full);
            return $"{project.Name}: {project.Datasets.Count} datasets, {project.Trainings.Count} trainings, {project.Applications.Count} applications";
        });
        if (project is not null && Uri.TryCreate(project.Serving.Listen, UriKind.Absolute, out var listen))
        {
            yield return Try("address", "Stop the program that listens there, or give 'serving: { listen: … }' another port.", () =>
            {
                using var probe = new TcpListener(IPAddress.TryParse(listen.Host, out var address) ? address : IPAddress.Loopback, listen.Port);
                probe.Start();
                return $"{listen} is free";
            });
        }
    }

    private static Finding Try(string check, string wayOut, Func<string> look)
    {
        try
        {
            return new Finding(check, true, look(), wayOut);
        }
        catch (Exception e)
        {
            // Whatever goes wrong is the finding.
            return new Finding(check, false, e.InnerException?.Message ?? e.Message, wayOut);
        }
    }
}
