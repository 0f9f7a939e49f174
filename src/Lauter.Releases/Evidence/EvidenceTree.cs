using System.Globalization;
using System.Text;

namespace Lauter.Releases.Evidence;

/// <summary>A verified chain as text, the release at the top and the sources at the leaves.</summary>
public static class EvidenceTree
{
    /// <summary>
    /// Lines joined by <c>\n</c>, the last one included. A manifest that several others rest on is drawn once; later mentions say so.
    /// </summary>
    public static string Render(VerifyReport report)
    {
        var text = new StringBuilder();
        var nodes = report.Nodes.ToDictionary(n => n.Sha256, StringComparer.Ordinal);
        var drawn = new HashSet<string>(StringComparer.Ordinal);
        Draw(new EvidenceLink("", report.Root), "", "");

        text.Append('\n');
        foreach (var fault in report.Faults)
        {
            text.Append(CultureInfo.InvariantCulture, $"FAULT {fault.What}\n  {fault.Detail}\n");
            text.Append(CultureInfo.InvariantCulture, $"  what rests on it: {string.Join(" → ", fault.Dependents)}\n");
        }

        foreach (var change in report.SourceChanges)
        {
            text.Append(CultureInfo.InvariantCulture, $"note: {change.Path} was {change.State} in the project since; the release keeps what it used\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"{(report.Intact ? "intact" : $"{report.Faults.Count} fault(s)")}: ");
        text.Append(CultureInfo.InvariantCulture, $"{report.Nodes.Count} manifests, {report.ObjectsChecked} files, {report.SourcesChecked} sources, {Size(report.BytesChecked)} read\n");
        return text.ToString();

        void Draw(EvidenceLink link, string first, string rest)
        {
            var role = link.Role.Length == 0 ? "" : $"{link.Role}: ";
            if (!nodes.TryGetValue(link.Sha256, out var node))
            {
                text.Append(CultureInfo.InvariantCulture, $"{first}{role}{link.Sha256}\n");
                return;
            }

            var mark = node.Intact ? "" : "  ✗";
            var again = !drawn.Add(link.Sha256) && node.Inputs.Count + node.Sources > 0;
            var contents = again ? "(above)" : Contents(node);
            text.Append(CultureInfo.InvariantCulture, $"{first}{role}{node.Kind} {node.Name} {node.Sha256[..Math.Min(12, node.Sha256.Length)]} {contents}{mark}\n");
            if (again)
            {
                return;
            }

            for (var i = 0; i < node.SourcePaths.Count; i++)
            {
                var last = i == node.SourcePaths.Count - 1 && node.Inputs.Count == 0;
                text.Append(CultureInfo.InvariantCulture, $"{rest}{(last ? "└─ " : "├─ ")}source {node.SourcePaths[i]}\n");
            }

            for (var i = 0; i < node.Inputs.Count; i++)
            {
                var last = i == node.Inputs.Count - 1;
                Draw(node.Inputs[i], rest + (last ? "└─ " : "├─ "), rest + (last ? "   " : "│  "));
            }
        }
    }

    private static string Contents(EvidenceNode node)
    {
        var parts = new List<string>();
        if (node.Objects > 0)
        {
            parts.Add($"{node.Objects} {(node.Objects == 1 ? "file" : "files")}");
        }

        if (node.Sources > 0)
        {
            parts.Add($"{node.Sources} {(node.Sources == 1 ? "source" : "sources")}");
        }

        return parts.Count == 0 ? "" : $"({string.Join(", ", parts)}, {Size(node.Bytes)})";
    }

    private static string Size(long bytes) => bytes switch
    {
        < 1024 => $"{bytes} B",
        < 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.0} KiB"),
        < 1024L * 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024):0.0} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024 * 1024):0.00} GiB"),
    };
}
