using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Lauter.Data.Readers;

namespace Lauter.Data.Documents;

/// <summary>One block of a document row: a slice of its text and where that came from.</summary>
/// <param name="Kind">One of <see cref="BlockKinds"/>.</param>
/// <param name="Level">Level of a heading, otherwise 0.</param>
/// <param name="Start">First character in the row's text.</param>
/// <param name="Length">Characters in the row's text; the slice is the block's Markdown.</param>
/// <param name="Page">Page, slide or sheet from 1; 0 where there is none.</param>
/// <param name="SourceStart">First character in the decoded source, where the format has one.</param>
/// <param name="SourceLength">Characters there, 0 when unknown.</param>
public sealed record BlockSpan(string Kind, int Level, int Start, int Length, int Page, int SourceStart, int SourceLength);

/// <summary>Blocks ↔ text and the JSON column <c>blocks</c>.</summary>
public static class DocumentBlocks
{
    /// <summary>Reads the column <c>blocks</c> of a row.</summary>
    public static IReadOnlyList<BlockSpan> Parse(string json) => JsonSerializer.Deserialize(json, BlockJson.Default.ListBlockSpan) ?? [];

    /// <summary>The text of the blocks, separated by blank lines, and its spans.</summary>
    internal static (string Text, string Json) Join(IReadOnlyList<DocumentBlock> blocks)
    {
        var text = new StringBuilder();
        var spans = new List<BlockSpan>(blocks.Count);
        foreach (var block in blocks)
        {
            if (text.Length > 0)
            {
                text.Append("\n\n");
            }

            spans.Add(new BlockSpan(block.Kind, block.Level, text.Length, block.Text.Length, block.Page, block.SourceStart, block.SourceLength));
            text.Append(block.Text);
        }

        return (text.ToString(), JsonSerializer.Serialize(spans, BlockJson.Default.ListBlockSpan));
    }

    internal static List<DocumentBlock> Split(string text, string json) =>
        [.. Parse(json).Select(s => new DocumentBlock(s.Kind, s.Level, text.Substring(s.Start, s.Length), s.Page, s.SourceStart, s.SourceLength))];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(List<BlockSpan>))]
internal sealed partial class BlockJson : JsonSerializerContext;
