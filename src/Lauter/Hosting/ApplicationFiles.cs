using Lauter.Catalog.Objects;
using Lauter.Catalog.Projects;

namespace Lauter.Hosting;

/// <summary>The texts that make an application: prompt template, input schema, output schema. A release keeps its own copy of them.</summary>
internal sealed record ApplicationFiles(string? Prompt, string? Input, string? Output)
{
    /// <summary>Longest answer of a structured application, in tokens.</summary>
    public const int MaximumAnswerTokens = 256;

    private const string PromptName = "prompt.j2";
    private const string InputName = "input.json";
    private const string OutputName = "output.json";

    /// <summary>The files as sources of a step.</summary>
    public static IReadOnlyList<ManifestSource> Sources(Workspace workspace, ApplicationDefinition application) =>
        [.. new[] { application.Prompt, application.Input, application.Output }.OfType<string>().Select(workspace.Sources.Hash)];

    /// <summary>The files as they lie in the project.</summary>
    public static ApplicationFiles Read(Workspace workspace, ApplicationDefinition application)
    {
        return new ApplicationFiles(Text(application.Prompt), Text(application.Input), Text(application.Output));

        string? Text(string? relative)
        {
            if (relative is null)
            {
                return null;
            }

            var path = Path.Combine(workspace.Project.Directory, relative);
            workspace.Objects.WriteFile(path);
            return File.ReadAllText(path);
        }
    }

    /// <summary>The files as a release keeps them.</summary>
    public static ApplicationFiles Read(ObjectStore objects, Manifest release)
    {
        return new ApplicationFiles(Text(PromptName), Text(InputName), Text(OutputName));

        string? Text(string name) => release.Objects.FirstOrDefault(o => o.Name == name) is { } file
            ? System.Text.Encoding.UTF8.GetString(objects.ReadAllBytes(file.Sha256))
            : null;
    }

    /// <summary>Stores the texts for a release.</summary>
    public IReadOnlyList<ManifestObject> WriteTo(ObjectStore objects) =>
    [
        .. from file in new[] { (Name: PromptName, Text: Prompt), (Name: InputName, Text: Input), (Name: OutputName, Text: Output) }
           where file.Text is not null
           let bytes = System.Text.Encoding.UTF8.GetBytes(file.Text)
           select new ManifestObject(file.Name, objects.Write(bytes), bytes.Length),
    ];
}
