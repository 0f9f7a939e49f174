using System.IO.Compression;
using System.Net;
using System.Text;

namespace Helpdesk.Generator.Handbook;

/// <summary>
/// An Office file as a zip of parts. Written by hand: the Office libraries put random ids and the current time into every file,
/// and stored (not deflated) entries stay the same whatever the runtime's compressor does.
/// </summary>
internal sealed class OfficePackage
{
    public const string Xml = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
    private const string Relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    private static readonly DateTimeOffset Time = new(2025, 1, 6, 8, 0, 0, TimeSpan.Zero);
    private readonly List<(string Path, string Type, string Body)> _parts = [];
    private readonly List<(string Source, string Id, string Type, string Target)> _links = [];

    public void Add(string path, string contentType, string body) => _parts.Add((path, contentType, Xml + body));

    /// <summary>Links a part (empty: the package) to a target relative to it.</summary>
    public void Link(string source, string id, string type, string target) => _links.Add((source, id, $"{Relations}/{type}", target));

    public static string E(string text) => WebUtility.HtmlEncode(text);

    public byte[] ToBytes()
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            Entry(zip, "[Content_Types].xml", Xml + "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">"
                + "<Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/>"
                + string.Concat(_parts.Select(p => $"<Override PartName=\"/{p.Path}\" ContentType=\"application/vnd.openxmlformats-officedocument.{p.Type}+xml\"/>")) + "</Types>");
            foreach (var group in _links.GroupBy(l => l.Source, StringComparer.Ordinal))
            {
                var slash = group.Key.LastIndexOf('/');
                Entry(zip, $"{group.Key[..(slash + 1)]}_rels/{group.Key[(slash + 1)..]}.rels",
                    Xml + "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">"
                    + string.Concat(group.Select(l => $"<Relationship Id=\"{l.Id}\" Type=\"{l.Type}\" Target=\"{l.Target}\"/>")) + "</Relationships>");
            }

            foreach (var part in _parts)
            {
                Entry(zip, part.Path, part.Body);
            }
        }

        return stream.ToArray();
    }

    private static void Entry(ZipArchive zip, string path, string body)
    {
        var entry = zip.CreateEntry(path, CompressionLevel.NoCompression);
        entry.LastWriteTime = Time;
        using var stream = entry.Open();
        stream.Write(Encoding.UTF8.GetBytes(body));
    }
}
