using System.Text;
using System.Text.Json.Nodes;

namespace Lauter.Commands;

/// <summary>One request to be sent: its body and who asks.</summary>
internal sealed record BenchRequest(JsonObject Body, string? Tenant);

/// <summary>Where requests come from: the lines of a file in turn, or made-up text of a given length. The same seed makes the same requests.</summary>
internal sealed class BenchRequests
{
    private static readonly string[] Words =
    [
        "the", "router", "in", "office", "three", "lost", "its", "connection", "after", "an", "update", "and", "our", "team", "cannot", "print", "invoices", "since", "Monday",
        "morning", "please", "check", "whether", "every", "device", "still", "answers", "when", "you", "call", "it", "from", "another", "room", "or", "building", "because",
        "some", "people", "say", "that", "only", "older", "machines", "stopped", "working", "while", "new", "ones", "are", "fine",
    ];

    private readonly List<BenchRequest> _lines = [];
    private readonly int _promptWords;
    private readonly int _sharedWords;
    private readonly int _tenants;
    private readonly int _maxTokens;
    private readonly string _model;
    private readonly ulong _seed;

    /// <param name="file">JSON lines with <c>messages</c> or <c>prompt</c>, and any other member of the wire; <c>tenant</c> names who asks. Null makes text up.</param>
    /// <param name="model">The model's name for lines that name none.</param>
    /// <param name="promptWords">Words of a made-up prompt that only it has; a word is a little more than a token.</param>
    /// <param name="sharedWords">Words that all prompts of one tenant begin with.</param>
    /// <param name="tenants">Tenants that ask in turn; 0 sends no tenant.</param>
    /// <param name="maxTokens">Most tokens of an answer, for lines that do not say.</param>
    /// <param name="seed">Seed of the made-up text.</param>
    public BenchRequests(string? file, string model, int promptWords, int sharedWords, int tenants, int maxTokens, int seed)
    {
        (_model, _promptWords, _sharedWords, _tenants, _maxTokens, _seed) = (model, promptWords, sharedWords, tenants, maxTokens, (ulong)seed);
        if (file is null)
        {
            return;
        }

        if (!File.Exists(file))
        {
            throw new CommandException(ExitCodes.InputMissing, $"the file {file} was not found.");
        }

        foreach (var line in File.ReadLines(file).Where(line => !string.IsNullOrWhiteSpace(line)))
        {
            _lines.Add(ReadLine(line, file));
        }

        if (_lines.Count == 0)
        {
            throw new CommandException(ExitCodes.InputMissing, $"the file {file} holds no requests.");
        }
    }

    /// <summary>The request with this number.</summary>
    public BenchRequest Make(int number)
    {
        if (_lines.Count > 0)
        {
            var line = _lines[number % _lines.Count];
            return line with { Body = (JsonObject)line.Body.DeepClone() };
        }

        var tenant = _tenants == 0 ? -1 : (int)(Mix(_seed, (ulong)number, 0) % (ulong)_tenants);
        var text = new StringBuilder();
        Write(text, _sharedWords, (ulong)(tenant + 1) << 32);
        Write(text, _promptWords, (ulong)number + 1);
        return new BenchRequest(Complete(new JsonObject { ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = text.ToString() }) }), tenant < 0 ? null : $"tenant-{tenant}");
    }

    private BenchRequest ReadLine(string line, string file)
    {
        try
        {
            var body = JsonNode.Parse(line)!.AsObject();
            var tenant = body["tenant"]?.GetValue<string>();
            body.Remove("tenant");
            return body.ContainsKey("messages") || body.ContainsKey("prompt")
                ? new BenchRequest(Complete(body), tenant)
                : throw new CommandException(ExitCodes.InputMissing, $"line {_lines.Count + 1} of {file} has neither 'messages' nor 'prompt'.");
        }
        catch (Exception error) when (error is System.Text.Json.JsonException or InvalidOperationException)
        {
            throw new CommandException(ExitCodes.InputMissing, $"line {_lines.Count + 1} of {file} is not a JSON object.");
        }
    }

    private JsonObject Complete(JsonObject body)
    {
        if (!body.ContainsKey("model"))
        {
            body["model"] = _model;
        }

        if (!body.ContainsKey("max_tokens") && !body.ContainsKey("max_completion_tokens"))
        {
            body["max_tokens"] = _maxTokens;
        }

        body["stream"] = true;
        body["stream_options"] = new JsonObject { ["include_usage"] = true };
        return body;
    }

    private void Write(StringBuilder text, int words, ulong stream)
    {
        for (var index = 0; index < words; index++)
        {
            text.Append(text.Length == 0 ? "" : " ").Append(Words[Mix(_seed, stream, (ulong)index) % (ulong)Words.Length]);
        }
    }

    /// <summary>SplitMix64's finaliser: the same text on every machine and runtime.</summary>
    private static ulong Mix(ulong seed, ulong stream, ulong index)
    {
        var z = (seed * 0x9E3779B97F4A7C15) ^ (stream * 0xD1B54A32D192ED03) ^ ((index + 1) * 0x8CB92BA72F3D8DD7);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
