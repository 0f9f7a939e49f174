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
        var rows = Rows(project, application, (dataset, row) => (row["licence"], row["consent"]) = (dataset.Licence, dataset.Consent), (model, row) =>
        {
            row["licence"] = model.Licence ?? (model.File is { } file ? Stated(Path.Combine(project.Directory, file)) : null);
            row["consent"] = model.Scratch is { } preset ? $"trained from random weights ({preset})" : null;
        });
        return rows.Any(r => r!["licence"] is not null || (r["kind"]!.GetValue<string>() == "dataset" && r["consent"] is not null)) ? rows : null;
    }

    /// <summary>The same rows with nothing stated.</summary>
    public static JsonArray NotStated(Project project, ApplicationDefinition application) => Rows(project, application, (_, _) => { }, (_, _) => { });

    private static JsonArray Rows(
        Project project, ApplicationDefinition application, Action<DatasetDefinition, JsonObject> dataset, Action<ModelDefinition, JsonObject> model)
    {
        var rows = new JsonArray();
        var training = application.Model is { } name ? project.Trainings.GetValueOrDefault(name) : null;
        var data = training?.Data ?? (application.Index is { } index ? project.Indexes.GetValueOrDefault(index)?.Data : null);
        if (data is not null && project.Datasets.TryGetValue(data, out var definition))
        {
            var row = new JsonObject { ["kind"] = "dataset", ["name"] = data, ["licence"] = null, ["consent"] = null };
            dataset(definition, row);
            rows.Add(row);
        }

        if (training is not null && project.Models.TryGetValue(training.Base, out var @base))
        {
            var row = new JsonObject { ["kind"] = "model", ["name"] = training.Base, ["licence"] = null, ["consent"] = null };
            model(@base, row);
            rows.Add(row);
        }

        return rows;
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
