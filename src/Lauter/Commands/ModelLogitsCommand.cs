using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Models.Tokens;

namespace Lauter.Commands;

/// <summary><c>lauter model logits</c>: what a model finds probable after each prefix.</summary>
internal static class ModelLogitsCommand
{
    public static Command Create()
    {
        var model = new Argument<string>("model") { Description = "A GGUF file." };
        var tokens = new Option<string>("--tokens-file") { Description = "A JSON list of token ids." };
        var text = new Option<string>("--text") { Description = "A text; special tokens in it are parsed." };
        var top = new Option<int>("--top") { Description = "Most probable tokens to show, 1 to 1000.", DefaultValueFactory = _ => 20 };
        var last = new Option<bool>("--last") { Description = "Only after the last token." };
        var engine = ModelEngine.Option();
        var adapter = new Option<string>("--adapter") { Description = "A GGUF adapter onto the model." };
        var threads = new Option<int>("--threads") { Description = "Threads; 0 = one per core." };
        var format = Arguments.Format();
        var command = new Command("logits", "Show the most probable next tokens and the log-probability of each given one.") { model, tokens, text, top, last, engine, adapter, threads, format };
        command.SetAction(result =>
        {
            var path = ModelCommand.Existing(result.GetValue(model)!);
            using var tokenizer = Vocabulary(path);
            var ids = (result.GetValue(tokens), result.GetValue(text)) switch
            {
                ({ } file, null) => ModelCommand.TokenIds(file)[0],
                (null, { } words) when tokenizer is not null => tokenizer.Encode(words, parseSpecial: true),
                (null, { }) => throw new CommandException(ExitCodes.Usage, $"{path} has no vocabulary; give ids with --tokens-file."),
                _ => throw new CommandException(ExitCodes.Usage, "give either --tokens-file or --text."),
            };
            if (ids.Length == 0)
            {
                throw new CommandException(ExitCodes.Usage, "there is no token to start from.");
            }

            using var opened = ModelEngine.Open(path, result.GetValue(engine)!, result.GetValue(adapter) is { } name ? ModelCommand.Existing(name) : null, 1, result.GetValue(threads), Math.Max(64, ids.Length));
            var rows = opened.LogProbabilities(ids);
            Write(ids, rows, Math.Clamp(result.GetValue(top), 1, 1000), result.GetValue(last) ? ids.Length - 1 : 0, tokenizer, result.GetValue(format) == "json");
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>The tokenizer of a file that has one.</summary>
    public static ModelTokenizer? Vocabulary(string path)
    {
        using var file = Models.Gguf.GgufFile.Open(path);
        return file.Metadata.Text("tokenizer.ggml.model") is null or "no_vocab" ? null : ModelTokenizer.Open(path);
    }

    private static void Write(int[] ids, float[][] rows, int top, int from, ModelTokenizer? tokenizer, bool json)
    {
        string Piece(int id) => tokenizer is null ? "" : Encoding.UTF8.GetString(tokenizer.PieceBytes(id));
        var positions = new JsonArray();
        for (var i = from; i < ids.Length; i++)
        {
            var best = Enumerable.Range(0, rows[i].Length).OrderByDescending(id => rows[i][id]).Take(top).ToArray();
            var next = i + 1 < ids.Length ? ids[i + 1] : (int?)null;
            if (json)
            {
                positions.Add(new JsonObject
                {
                    ["position"] = i,
                    ["id"] = ids[i],
                    ["next_log_probability"] = next is { } id ? rows[i][id] : null,
                    ["top"] = new JsonArray([.. best.Select(one => (JsonNode)new JsonObject { ["id"] = one, ["piece"] = Piece(one), ["log_probability"] = rows[i][one] })]),
                });
            }
            else
            {
                System.Console.WriteLine($"after {i} ({ids[i]} {System.Text.Json.JsonSerializer.Serialize(Piece(ids[i]))}){(next is { } id ? $": next {id} has {rows[i][id]:0.0000}" : "")}");
                foreach (var one in best)
                {
                    System.Console.WriteLine($"  {one,8} {rows[i][one],10:0.0000}  {System.Text.Json.JsonSerializer.Serialize(Piece(one))}");
                }
            }
        }

        if (json)
        {
            Arguments.WriteJson(new JsonObject { ["positions"] = positions });
        }
    }
}
