using System.Text;
using Lauter.Models.Tokens;

namespace Lauter.Models.Templates;

/// <summary>A conversation as tokens.</summary>
/// <param name="Ids">Token ids.</param>
/// <param name="Trained">For each token whether it bears loss.</param>
public sealed record EncodedChat(int[] Ids, bool[] Trained);

/// <summary>
/// Turns conversations into tokens. Special tokens are parsed only where the template put them: a user who writes <c>&lt;|im_end|&gt;</c> gets its letters.
/// Without such look-alikes the ids are those of the joined text. Thread-safe.
/// </summary>
public static class ChatEncoder
{
    /// <summary>Renders and encodes.</summary>
    /// <param name="template">The chat template.</param>
    /// <param name="tokenizer">The tokenizer of the model.</param>
    /// <param name="messages">At least one message.</param>
    /// <param name="addGenerationPrompt">Whether the text ends where the assistant is to begin.</param>
    /// <param name="options">What the template sees besides; null = the tokenizer's begin and end tokens.</param>
    /// <exception cref="TemplateException">The template refuses the conversation or fails.</exception>
    /// <exception cref="TokenizerException">The text is too long.</exception>
    public static EncodedChat Encode(ChatTemplate template, ModelTokenizer tokenizer, IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt, ChatRenderOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(template);
        ArgumentNullException.ThrowIfNull(tokenizer);
        options ??= new ChatRenderOptions
        {
            BeginToken = tokenizer.Begin is { } begin ? Encoding.UTF8.GetString(tokenizer.PieceBytes(begin)) : null,
            EndToken = tokenizer.End is { } end ? Encoding.UTF8.GetString(tokenizer.PieceBytes(end)) : null,
        };
        return Encode(tokenizer, template.Render(messages, addGenerationPrompt, options), extendsToEndMark: !template.MarksGeneration);
    }

    /// <summary>Encodes a rendered conversation.</summary>
    /// <param name="tokenizer">The tokenizer of the model.</param>
    /// <param name="chat">The rendering.</param>
    /// <param name="extendsToEndMark">Whether a special token of the template right behind trained text is trained too: the end mark of templates that do not say what is generated.</param>
    public static EncodedChat Encode(ModelTokenizer tokenizer, RenderedChat chat, bool extendsToEndMark)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(chat);
        var markup = new bool[chat.Text.Length];
        var trained = new bool[chat.Text.Length];
        var position = 0;
        foreach (var segment in chat.Segments)
        {
            Array.Fill(markup, segment.IsTemplateMarkup, position, segment.Text.Length);
            Array.Fill(trained, segment.IsAssistantContent, position, segment.Text.Length);
            position += segment.Text.Length;
        }

        var ids = new List<int>();
        var marks = new List<bool>();
        var cuts = SpecialTokens(tokenizer, chat.Text, markup, out var lookAlikes);
        if (extendsToEndMark)
        {
            foreach (var (start, length, _) in cuts)
            {
                var before = start - 1;
                while (before >= 0 && !trained[before] && markup[before] && char.IsWhiteSpace(chat.Text[before]))
                {
                    before--;
                }

                if (before >= 0 && trained[before] && !markup[before])
                {
                    Array.Fill(trained, true, before + 1, start + length - before - 1);
                }
            }
        }

        if (!lookAlikes)
        {
            Add(tokenizer, tokenizer.Encode(chat.Text, parseSpecial: true), chat.Text, 0, trained, ids, marks);
        }
        else
        {
            var done = 0;
            foreach (var (start, length, id) in cuts)
            {
                Plain(tokenizer, chat.Text, done, start, trained, ids, marks);
                ids.Add(id);
                marks.Add(trained[start]);
                done = start + length;
            }

            Plain(tokenizer, chat.Text, done, chat.Text.Length, trained, ids, marks);
        }

        if (tokenizer.AddsBegin && tokenizer.Begin is { } first && (ids.Count == 0 || ids[0] != first))
        {
            ids.Insert(0, first);
            marks.Insert(0, false);
        }

        return new EncodedChat([.. ids], [.. marks]);
    }

    /// <summary>Places of special tokens that lie wholly in markup, longest spelling first as llama.cpp cuts them; and whether any spelling touches data.</summary>
    private static List<(int Start, int Length, int Id)> SpecialTokens(ModelTokenizer tokenizer, string text, bool[] markup, out bool lookAlikes)
    {
        var found = new List<(int Start, int Length, int Id)>();
        var taken = new bool[text.Length];
        lookAlikes = false;
        foreach (var (spelling, id) in tokenizer.SpecialTokens.Where(token => token.Key.Length > 0).OrderByDescending(token => token.Key.Length).ThenBy(token => token.Value))
        {
            for (var at = text.IndexOf(spelling, StringComparison.Ordinal); at >= 0; at = text.IndexOf(spelling, at + 1, StringComparison.Ordinal))
            {
                var isMarkup = markup.AsSpan(at, spelling.Length).IndexOf(false) < 0;
                lookAlikes |= !isMarkup;
                if (isMarkup && taken.AsSpan(at, spelling.Length).IndexOf(true) < 0)
                {
                    Array.Fill(taken, true, at, spelling.Length);
                    found.Add((at, spelling.Length, id));
                }
            }
        }

        found.Sort();
        return found;
    }

    private static void Plain(ModelTokenizer tokenizer, string text, int start, int end, bool[] trained, List<int> ids, List<bool> marks)
    {
        if (end > start)
        {
            var part = text[start..end];
            Add(tokenizer, tokenizer.Encode(part, parseSpecial: false), part, start, trained, ids, marks);
        }
    }

    /// <summary>Finds where each token begins, to take its mark from the character there.</summary>
    private static void Add(ModelTokenizer tokenizer, int[] tokens, string part, int offset, bool[] trained, List<int> ids, List<bool> marks)
    {
        var bytes = Encoding.UTF8.GetBytes(part);
        var characters = new int[bytes.Length];
        for (int at = 0, next = 0; at < part.Length;)
        {
            var width = char.IsHighSurrogate(part[at]) && at + 1 < part.Length && char.IsLowSurrogate(part[at + 1]) ? 2 : 1;
            var size = Encoding.UTF8.GetByteCount(part, at, width);
            Array.Fill(characters, at, next, size);
            next += size;
            at += width;
        }

        var position = 0;
        foreach (var token in tokens)
        {
            var piece = tokenizer.PieceBytes(token).AsSpan();
            var rest = bytes.AsSpan(position);

            // SentencePiece puts a space in front that the text does not have; a byte without token is skipped.
            if (!rest.StartsWith(piece) && piece.Length > 0 && piece[0] == ' ' && rest.StartsWith(piece[1..]))
            {
                piece = piece[1..];
            }

            if (!rest.StartsWith(piece) && rest.IndexOf(piece) is var skipped and >= 0)
            {
                position += skipped;
            }

            ids.Add(token);
            marks.Add(position < characters.Length && trained[offset + characters[position]]);
            position = Math.Min(bytes.Length, position + piece.Length);
        }
    }
}
