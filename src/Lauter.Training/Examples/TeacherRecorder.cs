using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Models.Templates;
using Lauter.Models.Tokens;
using Lauter.Training.Decoders;
using Lauter.Training.Loop;

namespace Lauter.Training.Examples;

/// <summary>Lets a teacher read rows and writes them out again with its most probable tokens at each token of the answers.</summary>
public static class TeacherRecorder
{
    private const double Digits = 1e4;

    /// <summary>Reads conversations of every split but test, and writes them with a member <c>teacher</c>; test rows go through as they are.</summary>
    /// <param name="teacher">A GGUF model with the student's vocabulary.</param>
    /// <param name="rows">JSON lines.</param>
    /// <param name="target">Receives the same lines.</param>
    /// <param name="top">Tokens a place, 1–1,000.</param>
    /// <param name="progress">Receives the number of rows done.</param>
    /// <param name="cancellationToken">Ends between rows; no file is left.</param>
    /// <returns>Rows recorded.</returns>
    /// <exception cref="TrainingFailedException">A row is no conversation, or the teacher has no chat template.</exception>
    public static int Record(string teacher, string rows, string target, int top, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(top, 1);
        using var tokenizer = ModelTokenizer.Open(teacher);
        using var network = DecoderNetwork.Open(teacher);
        var template = tokenizer.ChatTemplate is { } source ? ChatTemplate.Parse(source) : throw new TrainingFailedException($"{teacher} has no chat template (tokenizer.chat_template), so conversations cannot be rendered for it.");
        var encoder = new ExampleEncoder(template, tokenizer, int.MaxValue);
        int number = 0, recorded = 0;
        var temporary = target + ".new";
        try
        {
            using (var writer = new StreamWriter(temporary))
            {
                foreach (var line in File.ReadLines(rows).Where(l => !string.IsNullOrWhiteSpace(l)))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    number++;
                    writer.WriteLine(Row(line, number));
                    progress?.Report(number);
                }
            }

            File.Move(temporary, target, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }

        return recorded;

        string Row(string line, int at)
        {
            TrainingRow row;
            try
            {
                row = TrainingRow.Parse(line, at);
            }
            catch (JsonException e)
            {
                throw new TrainingFailedException($"{rows}, line {at} is no row to train on: {e.Message}", e);
            }

            if (row.Kind != RowKind.Conversation)
            {
                throw new TrainingFailedException($"{rows}, line {at} is {row.Kind}; a teacher reads conversations.");
            }

            if (row.Split == ExampleFile.Test || encoder.Encode([row with { Teacher = null }], row.Split) is not [var example])
            {
                return line;
            }

            recorded++;
            var logs = network.LogProbabilities(example.Ids);
            var node = JsonNode.Parse(line)!.AsObject();
            node.Remove("logprobs");
            node["teacher"] = new JsonArray([.. Enumerable.Range(1, example.Ids.Length - 1).Where(i => example.Trained[i]).Select(i => (JsonNode)Top(logs, i - 1, top))]);
            return node.ToJsonString();
        }
    }

    private static JsonArray Top(float[,] logs, int row, int count)
    {
        var queue = new PriorityQueue<int, float>();
        for (var id = 0; id < logs.GetLength(1); id++)
        {
            if (queue.Count < count)
            {
                queue.Enqueue(id, logs[row, id]);
            }
            else if (logs[row, id] > logs[row, queue.Peek()])
            {
                queue.DequeueEnqueue(id, logs[row, id]);
            }
        }

        return new JsonArray([.. queue.UnorderedItems.OrderByDescending(i => i.Priority).ThenBy(i => i.Element).Select(i => (JsonNode)new JsonArray(i.Element, Math.Round(i.Priority * Digits) / Digits))]);
    }
}
