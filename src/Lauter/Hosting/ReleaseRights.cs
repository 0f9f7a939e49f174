using System.Text.Json.Nodes;
using Lauter.Catalog.Projects;
using Lauter.Models.Gguf;

namespace Lauter.Hosting;

/// <summary>Licences and consents behind an application: of the datasets that it was made from and of the model that it began with.</summary>
internal static class ReleaseRights
{
    /// <summary>
    /// One object for each dataset and base model of <paramref name="application"/>, null members for what is not stated; null when nothing at all is stated, so that a
    /// project that never spoke about rights keeps its releases' names.
    /// </summary>
    public static JsonArray? Of(Workspace workspace, ApplicationDefinition application)
    {
        var project = workspace.Project;
        var training = application.Model is { } name ? project.Trainings[name] : null;
        var rows = new JsonArray();
        if ((training?.Data ?? (application.Index is { } index ? project.Indexes[index].Data : null)) is { } data)
        {
            var dataset = project.Datasets[data];
            rows.Add(new JsonObject { ["kind"] = "dataset", ["name"] = data, ["licence"] = dataset.Licence, ["consent"] = dataset.Consent });
        }

        if (training is not null)
        {
            var model = project.Models[training.Base];
            rows.Add(new JsonObject
            {
                ["kind"] = "model",
                ["name"] = training.Base,
                ["licence"] = model.Licence ?? (model.File is { } file ? Stated(Path.Combine(project.Directory, file)) : null),
                ["consent"] = model.Scratch is { } preset ? $"trained from random weights ({preset})" : null,
            });
        }

        return rows.Any(r => r!["licence"] is not null || (r["kind"]!.GetValue<string>() == "dataset" && r["consent"] is not null)) ? rows : null;
    }

    /// <summary>The licence that a GGUF file states about itself, or null.</summary>
    private static string? Stated(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        using var file = GgufFile.Open(path);
        return file.Metadata.Text("general.license");
    }
}
