using System.Security.Cryptography;
using System.Text;
using Lauter.Data.Redaction;

namespace Lauter.Data.Export;

/// <summary>Makes reject rows and stable ids.</summary>
internal static class Rejects
{
    private const int TextLength = 2_000;
    private static readonly HashSet<PersonalDataKind> AllKinds = [.. PersonalData.AllKinds];

    /// <summary>A reject row; the text is cut and masked here, whatever the recipe says, since rejects are what people look at.</summary>
    public static RejectRow Row(string id, string source, int position, string stage, string reason, string detail, string text) => new()
    {
        Id = id, Source = source, Position = position, Stage = stage, Reason = reason, Detail = detail,
        Text = PersonalData.Redact(text.Length > TextLength ? Cut(text) : text, AllKinds, new Dictionary<PersonalDataKind, int>()),
    };

    /// <summary>First 16 hexadecimal digits of SHA-256 over the parts, separated by line feeds.</summary>
    public static string IdOf(params ReadOnlySpan<string> parts) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', parts))))[..16];

    /// <summary>Counts by reason.</summary>
    public static SortedDictionary<string, int> ByReason(IEnumerable<RejectRow> rows)
    {
        var counts = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var row in rows)
        {
            counts[row.Reason] = counts.GetValueOrDefault(row.Reason) + 1;
        }

        return counts;
    }

    private static string Cut(string text) => text[..(char.IsHighSurrogate(text[TextLength - 1]) ? TextLength - 1 : TextLength)];
}
