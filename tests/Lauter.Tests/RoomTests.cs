using System.Reflection;
using System.Xml.Linq;
using Lauter.Tests.Support;

namespace Lauter.Tests;

/// <summary>The rooms in the order in which data flows; a room references only rooms above it and only their public surface.</summary>
public sealed class RoomTests
{
    private static readonly string[] Rooms =
    [
        "Lauter.Catalog", "Lauter.Ledger", "Lauter.Traces", "Lauter.Data", "Lauter.Labelling", "Lauter.Models", "Lauter.Retrieval", "Lauter.Training",
        "Lauter.Inference", "Lauter.Evaluation", "Lauter.Releases", "Lauter.Gateway", "Lauter.Console", "Lauter.Cluster", "Lauter",
    ];

    public static TheoryData<string> Existing => [.. Rooms.Where(r => File.Exists(ProjectPath(r)))];

    [Theory]
    [MemberData(nameof(Existing))]
    public void Room_References_OnlyRoomsAboveIt(string room)
    {
        var references = XDocument.Load(ProjectPath(room)).Descendants("ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value)).Where(r => r.StartsWith("Lauter", StringComparison.Ordinal));
        Assert.All(references, r =>
        {
            Assert.Contains(r, Rooms);
            Assert.True(Array.IndexOf(Rooms, r) < Array.IndexOf(Rooms, room), $"{room} references {r}, which stands below it.");
        });
    }

    [Theory]
    [MemberData(nameof(Existing))]
    public void Room_Internals_AreVisibleToTestsAndBenchesAlone(string room)
    {
        var friends = Assembly.Load(room == "Lauter" ? "lauter" : room).GetCustomAttributes<System.Runtime.CompilerServices.InternalsVisibleToAttribute>();
        Assert.All(friends, f => Assert.Contains(f.AssemblyName, (string[])["Lauter.Tests", "Lauter.Bench", "Lauter.Fuzz"]));
    }

    [Fact]
    public void Solution_Rooms_AreAllKnown()
    {
        var source = Path.Combine(SharedData.RepositoryRoot, "src");
        Assert.All(Directory.EnumerateDirectories(source).Select(d => Path.GetFileName(d)), d => Assert.Contains(d, Rooms));
    }

    private static string ProjectPath(string room) => Path.Combine(SharedData.RepositoryRoot, "src", room, room + ".csproj");
}
