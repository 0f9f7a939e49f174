using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Data.Text;

namespace Lauter.Data.Operators.WholeRows;

/// <summary>
/// A text in parts of bounded size: (1) cut into pieces at line ends and after sentences, a piece that is too large at blanks or between Han characters,
/// (2) fill parts with whole pieces. Without overlap the parts joined are the text again.
/// </summary>
internal static class TextChunks
{
    public static Func<ReadOnlyMemory<byte>, RowChange> Open(OperatorCall call, RowFields names)
    {
        var (size, overlap) = ((int)call.Number("size"), (int)call.Number("overlap"));
        if (overlap * 2 >= size)
        {
            throw new InvalidDataException($"chunk_text: an overlap of {overlap} is half and more of the size {size}; parts would hardly move on.");
        }

        return line =>
        {
            var row = RowOperator.Parse(line);
            if (row[names.Text] is not JsonValue value || value.GetValueKind() != JsonValueKind.String)
            {
                return default;
            }

            var text = value.GetValue<string>();
            var parts = Cut(text, size, overlap);
            if (parts.Count < 2)
            {
                return default;
            }

            var id = row[names.Id] switch { null => null, var node when node.GetValueKind() == JsonValueKind.String => node.GetValue<string>(), var node => node.ToJsonString() };
            return RowChange.To([.. parts.Select((part, i) =>
            {
                var copy = row.DeepClone().AsObject();
                if (id is not null)
                {
                    copy[names.Id] = $"{id}#{i + 1}";
                }

                copy[names.Text] = text.Substring(part.Start, part.Length);
                copy["chunk"] = new JsonObject { ["of"] = id, ["number"] = i + 1, ["start"] = part.Start };
                return copy;
            })]);
        };
    }

    /// <summary>Parts of at most <paramref name="size"/> words, in order; each but the first begins with up to <paramref name="overlap"/> words of the one before.</summary>
    internal static List<(int Start, int Length)> Cut(string text, int size, int overlap)
    {
        // 1. Pieces.
        var pieces = new List<(int Start, int End, int Units)>();
        int start = 0, units = 0;
        var inWord = false;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            var han = TextFolding.IsHan(c);
            var word = !han && char.IsLetterOrDigit(c);
            if (han || (word && !inWord))
            {
                if (units == size)
                {
                    pieces.Add((start, i, units));
                    (start, units) = (i, 0);
                }

                units++;
            }

            inWord = word;
            if (c == '\n' || EndsSentence(text, i))
            {
                pieces.Add((start, i + 1, units));
                (start, units, inWord) = (i + 1, 0, false);
            }
        }

        if (start < text.Length)
        {
            pieces.Add((start, text.Length, units));
        }

        // 2. Parts.
        var parts = new List<(int Start, int Length)>();
        var first = 0;
        var sum = 0;
        for (var p = 0; p < pieces.Count; p++)
        {
            if (sum + pieces[p].Units > size)
            {
                parts.Add((pieces[first].Start, pieces[p].Start - pieces[first].Start));
                first = p;
                sum = 0;
                while (overlap > 0 && first > 0 && sum + pieces[first - 1].Units <= overlap && pieces[first - 1].Units + sum + pieces[p].Units <= size && pieces[first - 1].Start > parts[^1].Start)
                {
                    first--;
                    sum += pieces[first].Units;
                }
            }

            sum += pieces[p].Units;
        }

        if (pieces.Count > 0)
        {
            parts.Add((pieces[first].Start, text.Length - pieces[first].Start));
        }

        return parts;
    }

    private static bool EndsSentence(string text, int i) => text[i] is '\u3002' or '\uFF01' or '\uFF1F' or '\uFF1B' || (text[i] is '.' or '!' or '?' && i + 1 < text.Length && text[i + 1] is ' ');
}
