using System.Text;
using System.Text.Json;
using Lauter.Ledger;

namespace Lauter.Gateway.Providers;

/// <summary>
/// One pass over a completion or a chunk: where its <c>id</c> lies, its usage and finish reason, the text of its first choice, and what must
/// be replaced before the caller's SDK sees it. Reads bytes, builds no tree; one instance serves all chunks of an answer.
/// </summary>
internal sealed class AnswerScan : IDisposable
{
    private const int KeptBytes = 256 * 1024;
    private const int MaximumDepth = 256;
    private readonly PooledBytes _text = new(1024);
    private readonly List<(int Start, int Length, byte[] Value)> _edits = [];
    private int _bodyStart;
    private (int Start, int Length) _id;

    /// <summary>The last report counts: servers that report in every chunk report running totals.</summary>
    public ProviderUsage? Usage { get; private set; }

    /// <summary>A published finish reason of the last choice that had one.</summary>
    public string? FinishReason { get; private set; }

    /// <summary>Bytes of generated text, reasoning and tool calls so far, for an estimate when no usage comes.</summary>
    public long OutputBytes { get; private set; }

    /// <summary>The scanned object has a member <c>error</c>.</summary>
    public bool HasError { get; private set; }

    /// <summary>The scanned object has <c>choices</c>, <c>data</c> or <c>results</c>.</summary>
    public bool HasAnswer { get; private set; }

    /// <summary>It carries usage and no choice: the event that only <c>include_usage</c> asks for.</summary>
    public bool OnlyUsage { get; private set; }

    /// <summary>At least one choice calls tools.</summary>
    public bool HasTools { get; private set; }

    /// <summary>The text of the first choice so far, as far as it is kept.</summary>
    public string Text => Encoding.UTF8.GetString(_text.Span);

    public void Dispose() => _text.Dispose();

    /// <summary>Reads one object. False when it is not one.</summary>
    public bool Read(ReadOnlySpan<byte> json, MeterSource source)
    {
        _edits.Clear();
        _id = default;
        (HasError, HasAnswer, OnlyUsage) = (false, false, false);
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaximumDepth });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            _bodyStart = (int)reader.BytesConsumed;
            var (choices, usage) = (0, false);
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("id"u8))
                {
                    reader.Read();
                    var start = (int)reader.TokenStartIndex;
                    reader.Skip();
                    _id = (start, (int)reader.BytesConsumed - start);
                }
                else if (reader.ValueTextEquals("choices"u8))
                {
                    reader.Read();
                    HasAnswer |= reader.TokenType == JsonTokenType.StartArray;
                    choices = Choices(ref reader);
                }
                else if (reader.ValueTextEquals("usage"u8))
                {
                    usage |= ReadUsage(ref reader, json, source);
                }
                else if (reader.ValueTextEquals("error"u8))
                {
                    reader.Read();
                    HasError |= reader.TokenType != JsonTokenType.Null;
                    reader.Skip();
                }
                else
                {
                    HasAnswer |= reader.ValueTextEquals("data"u8) || reader.ValueTextEquals("results"u8);
                    reader.Read();
                    reader.Skip();
                }
            }

            OnlyUsage = usage && choices == 0;
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false; // a provider's broken answer; the caller of this method says so
        }
    }

    /// <summary>The scanned bytes with <paramref name="id"/> as their <c>id</c> and unpublished finish reasons replaced; every other byte as it came.</summary>
    public void Write(ReadOnlySpan<byte> json, ReadOnlySpan<byte> id, System.Buffers.IBufferWriter<byte> output)
    {
        var position = 0;
        if (_id.Length == 0 && !id.IsEmpty)
        {
            Put(output, json[..(position = _bodyStart)]);
            Put(output, "\"id\":"u8);
            Put(output, id);
            if (json[_bodyStart..].TrimStart(" \t\r\n"u8) is not [(byte)'}', ..])
            {
                Put(output, ","u8);
            }
        }

        var idDone = _id.Length == 0 || id.IsEmpty;
        foreach (var (start, length, value) in _edits)
        {
            if (!idDone && _id.Start < start)
            {
                PutId(json, id);
            }

            Put(output, json[position..start]);
            Put(output, value);
            position = start + length;
        }

        if (!idDone)
        {
            PutId(json, id);
        }

        Put(output, json[position..]);

        void PutId(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> value)
        {
            Put(output, bytes[position.._id.Start]);
            Put(output, value);
            position = _id.Start + _id.Length;
            idDone = true;
        }
    }

    private static void Put(System.Buffers.IBufferWriter<byte> output, ReadOnlySpan<byte> bytes) => System.Buffers.BuffersExtensions.Write(output, bytes);

    private int Choices(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return 0;
        }

        var count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            count++;
            if (reader.TokenType == JsonTokenType.StartObject)
            {
                Choice(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        return count;
    }

    private void Choice(ref Utf8JsonReader reader)
    {
        var (index, kept) = (0, _text.Length);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("index"u8))
            {
                reader.Read();
                _ = reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out index);
                reader.Skip();
            }
            else if (reader.ValueTextEquals("finish_reason"u8))
            {
                reader.Read();
                Finish(ref reader);
            }
            else if (reader.ValueTextEquals("delta"u8) || reader.ValueTextEquals("message"u8))
            {
                reader.Read();
                Message(ref reader, index);
            }
            else if (reader.ValueTextEquals("text"u8))
            {
                reader.Read();
                Generated(ref reader, keep: index == 0);
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }

        if (index != 0)
        {
            _text.Truncate(kept); // its index came after its text
        }
    }

    private void Message(ref Utf8JsonReader reader, int index)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var content = reader.ValueTextEquals("content"u8);
            if (content || reader.ValueTextEquals("reasoning_content"u8) || reader.ValueTextEquals("reasoning"u8) || reader.ValueTextEquals("refusal"u8))
            {
                reader.Read();
                Generated(ref reader, keep: content && index == 0);
            }
            else if (reader.ValueTextEquals("tool_calls"u8) || reader.ValueTextEquals("function_call"u8))
            {
                reader.Read();
                HasTools |= reader.TokenType != JsonTokenType.Null;
                var start = reader.TokenStartIndex;
                reader.Skip();
                OutputBytes += reader.BytesConsumed - start;
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }
    }

    private void Generated(ref Utf8JsonReader reader, bool keep)
    {
        if (reader.TokenType != JsonTokenType.String)
        {
            reader.Skip();
            return;
        }

        OutputBytes += reader.ValueSpan.Length;
        if (keep && _text.Length < KeptBytes)
        {
            _text.Advance(reader.CopyString(_text.GetSpan(reader.ValueSpan.Length + 1)));
        }
    }

    /// <summary>Finish reasons outside the published list make the .NET SDK throw; servers send <c>""</c>, <c>"eos"</c>, <c>"null"</c>.</summary>
    private void Finish(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.String)
        {
            reader.Skip();
            return;
        }

        var reason = reader.GetString();
        var published = FinishReasons.Normalise(reason);
        FinishReason = published ?? FinishReason;
        if (published != reason)
        {
            _edits.Add(((int)reader.TokenStartIndex, (int)(reader.BytesConsumed - reader.TokenStartIndex), published is null ? "null"u8.ToArray() : Encoding.UTF8.GetBytes($"\"{published}\"")));
        }
    }

    private bool ReadUsage(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, MeterSource source)
    {
        reader.Read();
        var start = (int)reader.TokenStartIndex;
        var isObject = reader.TokenType == JsonTokenType.StartObject;
        reader.Skip();
        if (!isObject)
        {
            return false;
        }

        var bytes = new Utf8JsonReader(json[start..(int)reader.BytesConsumed]);
        using var document = JsonDocument.ParseValue(ref bytes);
        var usage = ProviderUsage.From(document.RootElement, source);
        Usage = usage ?? Usage;
        return usage is not null;
    }
}
