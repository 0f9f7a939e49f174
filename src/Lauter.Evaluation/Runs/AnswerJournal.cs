using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;

namespace Lauter.Evaluation.Runs;

/// <summary>One answered item as it lies in the journal: the evidence of a run and its cache.</summary>
public sealed record AnsweredItem
{
    /// <summary>The item's id.</summary>
    public required string Id { get; init; }

    /// <summary>SHA-256 of the item's input: an edited question is a new question.</summary>
    public required string Item { get; init; }

    /// <summary>The candidate's key.</summary>
    public required string Candidate { get; init; }

    /// <summary>Which sample of the same question, from 0.</summary>
    public int Sample { get; init; }

    /// <summary>What was said: text, or calls of tools.</summary>
    public JsonNode? Prediction { get; init; }

    /// <summary>Why there is no usable answer, or null.</summary>
    public string? Failure { get; init; }

    /// <summary>The failure in words.</summary>
    public string? FailureDetail { get; init; }

    /// <summary>Wall time in milliseconds, waiting for a slot not counted.</summary>
    public double LatencyMs { get; init; }

    /// <summary>Prompt tokens as the endpoint counted them; null when it did not.</summary>
    public long? PromptTokens { get; init; }

    /// <summary>Completion tokens likewise.</summary>
    public long? CompletionTokens { get; init; }

    /// <summary>Cost in units of the prices' currency; null when tokens or prices are unknown.</summary>
    public double? Cost { get; init; }

    /// <summary>The endpoint's finish reason.</summary>
    public string? Finish { get; init; }

    /// <summary>When it was answered, UTC.</summary>
    public DateTimeOffset At { get; init; }
}

/// <summary>
/// Answers, one line each, appended as they come: a killed run goes on where it stopped, and an item that the same candidate has
/// answered is never asked again. A torn last line is cut off. One writer at a time; <see cref="Append"/> is thread-safe.
/// </summary>
public sealed class AnswerJournal : IDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly Dictionary<(string Candidate, string Item, int Sample), AnsweredItem> _answers = [];
    private readonly FileStream _file;
    private readonly Lock _lock = new();

    private AnswerJournal(FileStream file) => _file = file;

    /// <summary>Opens or creates the journal at <paramref name="path"/>.</summary>
    /// <exception cref="IOException">Another process writes it.</exception>
    /// <exception cref="InvalidDataException">A line before the last is not an answer.</exception>
    public static AnswerJournal Open(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var journal = new AnswerJournal(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read));
        try
        {
            journal.Load(path);
            return journal;
        }
        catch
        {
            journal.Dispose();
            throw;
        }
    }

    /// <summary>The answer of <paramref name="candidate"/> to the item with this hash, or null. A later answer replaces an earlier one.</summary>
    public AnsweredItem? Find(string candidate, string item, int sample)
    {
        lock (_lock)
        {
            return _answers.GetValueOrDefault((candidate, item, sample));
        }
    }

    /// <summary>Keeps one answer.</summary>
    public void Append(AnsweredItem answer)
    {
        var line = JsonSerializer.SerializeToUtf8Bytes(answer, Json);
        lock (_lock)
        {
            _file.Write([.. line, (byte)'\n']);
            _file.Flush();
            _answers[(answer.Candidate, answer.Item, answer.Sample)] = answer;
        }
    }

    /// <summary>The hash of an input.</summary>
    public static string HashOf(JsonNode input) => Convert.ToHexStringLower(SHA256.HashData(CanonicalJson.Serialize(input)));

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private void Load(string path)
    {
        var bytes = new byte[_file.Length];
        _file.ReadExactly(bytes);
        int start = 0, number = 0;
        while (start < bytes.Length)
        {
            number++;
            var length = bytes.AsSpan(start).IndexOf((byte)'\n');
            if (length < 0)
            {
                // The process died inside a write; the item is simply asked again.
                _file.SetLength(start);
                break;
            }

            try
            {
                var answer = JsonSerializer.Deserialize<AnsweredItem>(bytes.AsSpan(start, length), Json)!;
                _answers[(answer.Candidate, answer.Item, answer.Sample)] = answer;
            }
            catch (JsonException e)
            {
                throw new InvalidDataException($"{path} line {number} is not an answer: {e.Message}", e);
            }

            start += length + 1;
        }

        _file.Seek(0, SeekOrigin.End);
    }
}
