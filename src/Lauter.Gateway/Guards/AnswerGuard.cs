using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Gateway.Api;
using Lauter.Gateway.Applications;

namespace Lauter.Gateway.Guards;

/// <summary>What becomes of a piece of an answer: its bytes, perhaps none for now, or a refusal.</summary>
internal sealed record GuardedPiece(ReadOnlyMemory<byte> Bytes, OpenAiError? Refusal = null);

/// <summary>
/// The guards of one answer. A stream is held back as little as possible: what may still become a mask or a listed word; with a schema, all of it,
/// because half a JSON object cannot be judged.
/// </summary>
internal sealed class AnswerGuard(IReadOnlyList<Guard> guards, Masks? masks, TimeProvider time)
{
    private readonly Dictionary<string, string> _held = new(StringComparer.Ordinal);
    private readonly List<string> _notes = [];
    private readonly bool _holdsAll = guards.Any(g => g is SchemaGuard);
    private readonly int _holdsWords = guards.OfType<WordGuard>().Select(g => g.Words.Longest).DefaultIfEmpty(0).Max();
    private readonly bool _holdsNumbers = guards.Any(g => g is PersonalDataGuard);
    private TimeSpan _spent;

    /// <summary>What was found and done, with the time it took.</summary>
    public IReadOnlyList<string> Notes => _notes.Count == 0 && masks is null ? [] : [.. _notes, $"answer guards: {_spent.TotalMicroseconds:0} µs"];

    /// <summary>Looks at a whole completion. Null = it stays as it is.</summary>
    public GuardedPiece? Whole(ReadOnlyMemory<byte> completion)
    {
        var began = time.GetTimestamp();
        var root = JsonNode.Parse(completion.Span);
        OpenAiError? refusal = null;
        var changed = false;
        foreach (var choice in root?["choices"] as JsonArray ?? [])
        {
            if (choice?["message"] is not JsonObject message)
            {
                continue;
            }

            if (message["content"] is JsonValue value && value.GetValueKind() == JsonValueKind.String)
            {
                var text = value.GetValue<string>();
                var seen = Finish(text, ref refusal);
                if (!ReferenceEquals(seen, text))
                {
                    message["content"] = seen;
                    changed = true;
                }
            }

            JsonNode? calls = message["tool_calls"];
            changed |= masks is not null && GuardPipeline.Visit(ref calls, masks.Restore);
        }

        _spent += time.GetElapsedTime(began);
        return refusal is not null ? new GuardedPiece(default, refusal)
            : changed ? new GuardedPiece(System.Text.Encoding.UTF8.GetBytes(root!.ToJsonString(JsonText.Options))) : null;
    }

    /// <summary>Looks at a chunk of a stream.</summary>
    public GuardedPiece Chunk(ReadOnlyMemory<byte> chunk)
    {
        var began = time.GetTimestamp();
        var root = JsonNode.Parse(chunk.Span);
        OpenAiError? refusal = null;
        foreach (var choice in root?["choices"] as JsonArray ?? [])
        {
            if (choice is not JsonObject item)
            {
                continue;
            }

            var index = item["index"]?.ToString() ?? "0";
            var last = item["finish_reason"] is JsonValue reason && reason.GetValueKind() == JsonValueKind.String;
            if (item["delta"] is not JsonObject delta)
            {
                item["delta"] = delta = [];
            }

            Take(delta, "content", $"c{index}", last, ref refusal);
            foreach (var call in delta["tool_calls"] as JsonArray ?? [])
            {
                if (masks is not null && call?["function"] is JsonObject function && function["arguments"] is JsonValue)
                {
                    var channel = $"t{index}.{call["index"]}";
                    var (ready, held) = Cut(_held.GetValueOrDefault(channel, "") + function["arguments"], last: false);
                    _held[channel] = held;
                    function["arguments"] = masks.Restore(ready);
                }
            }

            if (last)
            {
                Release(delta, index);
            }
        }

        _spent += time.GetElapsedTime(began);
        return new GuardedPiece(System.Text.Encoding.UTF8.GetBytes(root!.ToJsonString(JsonText.Options)), refusal);
    }

    /// <summary>What is still held at the end of a stream that named no finish reason: nothing can be sent any more, but it must be judged.</summary>
    public GuardedPiece? Rest()
    {
        OpenAiError? refusal = null;
        foreach (var text in _held.Values.Where(t => t.Length > 0).ToList())
        {
            _ = Finish(text, ref refusal);
        }

        _held.Clear();
        return refusal is null ? null : new GuardedPiece(default, refusal);
    }

    private void Take(JsonObject delta, string member, string channel, bool last, ref OpenAiError? refusal)
    {
        var piece = delta[member] is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;
        if (piece is null && !(last && _held.GetValueOrDefault(channel, "").Length > 0))
        {
            return;
        }

        var (ready, held) = Cut(_held.GetValueOrDefault(channel, "") + piece, last);
        _held[channel] = held;
        delta[member] = ready.Length == 0 ? "" : last || !_holdsAll ? Finish(ready, ref refusal) : ready;
    }

    /// <summary>Masks that a tool call's arguments end with: restored in a last piece of the call.</summary>
    private void Release(JsonObject delta, string index)
    {
        foreach (var (channel, text) in _held.Where(h => h.Key.StartsWith($"t{index}.", StringComparison.Ordinal) && h.Value.Length > 0).ToList())
        {
            var calls = delta["tool_calls"] as JsonArray;
            if (calls is null)
            {
                delta["tool_calls"] = calls = [];
            }

            calls.Add(new JsonObject { ["index"] = int.Parse(channel[(channel.IndexOf('.') + 1)..]), ["function"] = new JsonObject { ["arguments"] = masks!.Restore(text) } });
            _held[channel] = "";
        }
    }

    private (string Ready, string Held) Cut(string text, bool last)
    {
        if (last)
        {
            return (text, "");
        }

        if (_holdsAll)
        {
            return ("", text);
        }

        var hold = Math.Max(masks is null ? 0 : Masks.Open(text), Math.Min(_holdsWords, text.Length));
        if (_holdsNumbers)
        {
            // A number or an address grows until white space ends it; what could only be guessed is held, up to a limit.
            var end = text.Length;
            while (end > 0 && text.Length - end < 64 && !char.IsWhiteSpace(text[end - 1]) && text[end - 1] < 0x3000)
            {
                end--;
            }

            hold = Math.Max(hold, text.Length - end);
        }

        var cut = text.Length - hold;
        cut -= cut > 0 && char.IsHighSurrogate(text[cut - 1]) ? 1 : 0;
        return (text[..cut], text[cut..]);
    }

    private string Finish(string text, ref OpenAiError? refusal)
    {
        foreach (var guard in guards)
        {
            switch (guard)
            {
                case WordGuard words when words.Words.Find(text) is { Count: > 0 } found:
                    Note(guard, $"{found.Count} listed word{(found.Count == 1 ? "" : "s")}", ref refusal);
                    text = guard.Action == GuardAction.Mask ? GuardPipeline.Stars(text, found) : text;
                    break;
                case PersonalDataGuard personal:
                    Dictionary<Lauter.Data.Redaction.PersonalDataKind, int> counts = [];
                    var redacted = Lauter.Data.Redaction.PersonalData.Redact(text, personal.Kinds, counts);
                    if (counts.Count > 0)
                    {
                        Note(guard, $"{counts.Values.Sum()} pieces of personal data", ref refusal);
                        text = guard.Action == GuardAction.Mask ? redacted : text;
                    }

                    break;
                case SchemaGuard schema:
                    text = Check(schema, text, ref refusal);
                    break;
            }
        }

        return masks?.Restore(text) ?? text;
    }

    private string Check(SchemaGuard guard, string text, ref OpenAiError? refusal)
    {
        if (Fault(guard, text) is not { } fault)
        {
            return text;
        }

        if (guard.Repair && JsonRepair.Mend(text) is { } mended && Fault(guard, mended) is null)
        {
            _notes.Add($"{guard.Name}: repaired the answer");
            return mended;
        }

        Note(guard, $"an answer that does not match: {fault}", ref refusal);
        return text;
    }

    private static string? Fault(SchemaGuard guard, string text)
    {
        try
        {
            return InputReader.Fault(guard.Schema, JsonNode.Parse(text));
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return "it is not JSON";
        }
    }

    private void Note(Guard guard, string found, ref OpenAiError? refusal)
    {
        var blocks = guard.Action == GuardAction.Block || (guard is SchemaGuard && guard.Action != GuardAction.Log);
        _notes.Add($"{guard.Name}: {(blocks ? "blocked" : guard.Action == GuardAction.Mask ? "masked" : "saw")} {found} in the answer");
        if (blocks)
        {
            refusal ??= guard is SchemaGuard
                ? new OpenAiError(502, "server_error", "invalid_answer", $"The guard '{guard.Name}' refuses the model's answer: it found {found}.") { ShouldRetry = false }
                : new OpenAiError(403, "invalid_request_error", "guard_blocked", $"The guard '{guard.Name}' refuses the model's answer: it found {found}.") { ShouldRetry = false };
        }
    }
}
