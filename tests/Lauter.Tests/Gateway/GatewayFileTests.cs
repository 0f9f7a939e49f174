using Lauter.Catalog.Projects;
using Lauter.Gateway.Configuration;
using Lauter.Gateway.Routing;

namespace Lauter.Tests.Gateway;

public sealed class GatewayFileTests
{
    [Fact]
    public void Parse_Faults_AreAllReportedWithTheirPlaceAndTheNearestName()
    {
        List<YamlFault> faults = [];
        GatewayFile.Parse(
            """
            gateway: edge
            listn: http://127.0.0.1:1
            providers:
              a: { url: "ftp://x" }
              b: { url: "http://x/v1", key: { env: LAUTER_NO_SUCH_VARIABLE } }
            guards:
              pii: { kind: personal_dat }
            applications:
              chat:
                models: [ { provider: bb, model: m } ]
                guards: [pij]
                budget: { month: 20 }
            """,
            "/", faults);

        Assert.Equal(
            [(2, "listn"), (4, "providers.a.url"), (5, "providers.b.key.env"), (7, "guards.pii.kind"), (10, "applications.chat.models[0].provider"), (11, "applications.chat.guards"), (12, "applications.chat.budget")],
            faults.OrderBy(f => f.Line).Select(f => (f.Line, f.Key)));
        Assert.Contains(faults, f => f.Message.Contains("Did you mean 'listen'?", StringComparison.Ordinal));
        Assert.Contains(faults, f => f.Message.Contains("Did you mean 'pii'?", StringComparison.Ordinal));
    }

    [Fact]
    public void Parse_ModelsToFineTune_NeedNoApplicationButTheirFile()
    {
        List<YamlFault> faults = [];
        var definition = GatewayFile.Parse($"gateway: tuner\nfine_tuning:\n  here: {{ file: {typeof(GatewayFileTests).Assembly.Location} }}\n  gone: {{ file: gone.gguf }}\n", "/", faults);

        Assert.Equal("fine_tuning.gone.file", Assert.Single(faults).Key);
        Assert.Equal(["here", "gone"], definition!.FineTuning.Keys);
    }

    [Fact]
    public void Parse_PageOfTheHowTo_HasNoFault()
    {
        var page = File.ReadAllText(Path.Combine(Lauter.Tests.Support.SharedData.RepositoryRoot, "docs", "howto", "add-a-provider.md"));
        var yaml = page.Split("```yaml\n")[1].Split("```")[0];
        foreach (var variable in (string[])["CLOUD_API_KEY", "ANTHROPIC_API_KEY", "AZURE_KEY"])
        {
            yaml = yaml.Replace($"key: {{ env: {variable} }}", "key: { env: PATH }", StringComparison.Ordinal);
        }

        List<YamlFault> faults = [];
        var definition = GatewayFile.Parse(yaml.Replace("key: { file: secrets/local.key }, ", "", StringComparison.Ordinal), "/", faults);

        Assert.Empty(faults);
        var route = Assert.Single(definition!.Applications).Route!;
        Assert.Equal((3, RouteChoice.Weight, 0.05), (route.Entries.Count, route.Choose, route.Mirror!.Share));
    }
}
