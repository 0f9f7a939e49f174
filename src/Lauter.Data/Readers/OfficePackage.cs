using System.IO.Compression;
using System.Xml;
using System.Xml.Linq;

namespace Lauter.Data.Readers;

/// <summary>
/// An Office Open XML container, read by local names so that the transitional and the strict namespaces both work and a broken part hides
/// only itself. XML is read without document type definitions and external resources.
/// </summary>
internal sealed class OfficePackage : IDisposable
{
    private readonly ReadContext _context;
    private readonly ZipArchive _archive;
    private readonly Dictionary<string, ZipArchiveEntry> _entries;

    public OfficePackage(ReadContext context, ReadOnlyMemory<byte> bytes)
    {
        _context = context;
        _archive = context.OpenZip(bytes);
        _entries = new Dictionary<string, ZipArchiveEntry>(StringComparer.OrdinalIgnoreCase);
        foreach (var entry in _archive.Entries)
        {
            _entries.TryAdd(entry.FullName.Replace('\\', '/').TrimStart('/'), entry);
        }
    }

    public void Dispose() => _archive.Dispose();

    /// <summary>Names of parts under a prefix, in natural order (slide2 before slide10).</summary>
    public IEnumerable<string> Parts(string prefix) =>
        _entries.Keys.Where(k => k.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)).OrderBy(k => k.Length).ThenBy(k => k, StringComparer.Ordinal);

    /// <summary>The root element of a part, or null when there is no such part.</summary>
    public XElement? Part(string name)
    {
        if (!_entries.TryGetValue(name.TrimStart('/'), out var entry))
        {
            return null;
        }

        var settings = new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, MaxCharactersInDocument = _context.Limits.MaximumUnpackedBytes, IgnoreComments = true, IgnoreProcessingInstructions = true,
        };
        using var reader = XmlReader.Create(new MemoryStream(_context.ReadEntry(entry)), settings);
        return XElement.Load(reader, LoadOptions.PreserveWhitespace);
    }

    /// <summary>The main part, found by its relationship, else by its usual name.</summary>
    public (string Name, XElement Root) Main(string usualName)
    {
        var name = Relations("").Values.FirstOrDefault(r => r.Type.EndsWith("/officeDocument", StringComparison.Ordinal))?.Target ?? usualName;
        var root = Part(name) ?? Part(usualName);
        return root is null ? throw new ReaderFault(RejectReasons.Unreadable, $"it has no part '{usualName}'.") : (Part(name) is null ? usualName : name, root);
    }

    /// <summary>Relationships of a part by id; targets are names in the container. Broken ones are left out.</summary>
    public Dictionary<string, Relation> Relations(string part)
    {
        var slash = part.LastIndexOf('/');
        var folder = slash < 0 ? "" : part[..(slash + 1)];
        var result = new Dictionary<string, Relation>(StringComparer.Ordinal);
        foreach (var element in Part($"{folder}_rels/{part[(slash + 1)..]}.rels")?.Elements() ?? [])
        {
            var (id, type, target) = (element.Attr("Id"), element.Attr("Type"), element.Attr("Target"));
            if (id is not null && type is not null && target is not null && element.Attr("TargetMode") != "External")
            {
                result[id] = new Relation(type, Resolve(folder, target));
            }
        }

        return result;
    }

    /// <summary>The title in the core properties.</summary>
    public string? Title() => Part("docProps/core.xml")?.Elements().FirstOrDefault(e => e.Name.LocalName == "title")?.Value is { Length: > 0 } title ? title : null;

    private static string Resolve(string folder, string target)
    {
        if (target.StartsWith('/'))
        {
            return target[1..];
        }

        var parts = new List<string>(folder.Split('/', StringSplitOptions.RemoveEmptyEntries));
        foreach (var step in target.Split('/'))
        {
            if (step == "..")
            {
                if (parts.Count > 0)
                {
                    parts.RemoveAt(parts.Count - 1);
                }
            }
            else if (step is not ("." or ""))
            {
                parts.Add(step);
            }
        }

        return string.Join('/', parts);
    }
}

/// <summary>A relationship inside the container.</summary>
internal sealed record Relation(string Type, string Target);

/// <summary>Look-ups by local name.</summary>
internal static class XmlNames
{
    public static string? Attr(this XElement element, string localName)
    {
        foreach (var attribute in element.Attributes())
        {
            if (attribute.Name.LocalName == localName && !attribute.IsNamespaceDeclaration)
            {
                return attribute.Value;
            }
        }

        return null;
    }

    public static XElement? Child(this XElement element, string localName)
    {
        foreach (var child in element.Elements())
        {
            if (child.Name.LocalName == localName)
            {
                return child;
            }
        }

        return null;
    }

    public static IEnumerable<XElement> Children(this XElement element, string localName) => element.Elements().Where(e => e.Name.LocalName == localName);

    public static IEnumerable<XElement> Deep(this XElement element, string localName) => element.Descendants().Where(e => e.Name.LocalName == localName);

    /// <summary>Value of attribute <c>val</c> of a child.</summary>
    public static string? ChildVal(this XElement element, string localName) => element.Child(localName)?.Attr("val");

    public static int? Int(string? text) => int.TryParse(text, out var value) ? value : null;
}
