using System.Buffers;
using System.Text.Json;

namespace Lauter.Gateway.Api;

/// <summary>
/// Where the members of a JSON object lie in its bytes: read once, without a tree. Members can then be replaced while every other byte
/// stays as the caller wrote it (numbers beyond 2⁵³, unknown members, order, white space).
/// </summary>
internal sealed class JsonMembers
{
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly Dictionary<string, (int Start, int Length, JsonTokenType Type)> _members;
    private readonly int _bodyStart;

    private JsonMembers(ReadOnlyMemory<byte> bytes, Dictionary<string, (int, int, JsonTokenType)> members, int bodyStart)
    {
        _bytes = bytes;
        _members = members;
        _bodyStart = bodyStart;
    }

    public IEnumerable<string> Names => _members.Keys;

    /// <summary>Scans one object. A name that occurs twice is a fault: two parsers would see two requests.</summary>
    public static JsonMembers? Scan(ReadOnlyMemory<byte> bytes, int maximumDepth, out string? fault)
    {
        fault = null;
        if (!System.Text.Unicode.Utf8.IsValid(bytes.Span))
        {
            fault = "The body is not valid UTF-8.";
            return null;
        }

        var members = new Dictionary<string, (int, int, JsonTokenType)>(StringComparer.Ordinal);
        try
        {
            var reader = new Utf8JsonReader(bytes.Span, new JsonReaderOptions { MaxDepth = maximumDepth });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                fault = "The body must be a JSON object.";
                return null;
            }

            var bodyStart = (int)reader.BytesConsumed;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString()!;
                reader.Read();
                var (start, type) = ((int)reader.TokenStartIndex, reader.TokenType);
                reader.Skip();
                if (!members.TryAdd(name, (start, (int)reader.BytesConsumed - start, type)))
                {
                    fault = $"The member '{(name.Length > 64 ? name[..64] : name)}' occurs twice.";
                    return null;
                }
            }

            while (reader.Read())
            {
                // Only white space may follow; anything else throws.
            }

            return new JsonMembers(bytes, members, bodyStart);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            fault = $"The body is not valid JSON{(e is JsonException { LineNumber: { } line } json ? $" (line {line + 1}, byte {json.BytePositionInLine})" : "")}"
                + $"{(e.Message.Contains("depth", StringComparison.OrdinalIgnoreCase) ? $": nesting is deeper than {maximumDepth}" : "")}.";
            return null;
        }
    }

    public bool Has(string name) => _members.ContainsKey(name);

    /// <summary>True when the member is there and not null.</summary>
    public bool IsSet(string name) => _members.TryGetValue(name, out var m) && m.Type != JsonTokenType.Null;

    public ReadOnlyMemory<byte> Raw(string name) => _members.TryGetValue(name, out var m) ? _bytes.Slice(m.Start, m.Length) : default;

    public string? Text(string name)
    {
        if (!_members.TryGetValue(name, out var m) || m.Type != JsonTokenType.String)
        {
            return null;
        }

        var reader = new Utf8JsonReader(_bytes.Span.Slice(m.Start, m.Length));
        reader.Read();
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null; // a lone surrogate escape
        }
    }

    public long? Integer(string name) =>
        _members.TryGetValue(name, out var m) && m.Type == JsonTokenType.Number
        && System.Buffers.Text.Utf8Parser.TryParse(_bytes.Span.Slice(m.Start, m.Length), out long value, out var used) && used == m.Length ? value : null;

    public double? Number(string name) =>
        _members.TryGetValue(name, out var m) && m.Type == JsonTokenType.Number
        && System.Buffers.Text.Utf8Parser.TryParse(_bytes.Span.Slice(m.Start, m.Length), out double value, out var used) && used == m.Length ? value : null;

    public bool? Flag(string name) => _members.TryGetValue(name, out var m) ? m.Type switch { JsonTokenType.True => true, JsonTokenType.False => false, _ => null } : null;

    public JsonElement? Element(string name)
    {
        if (!_members.TryGetValue(name, out var m))
        {
            return null;
        }

        using var document = JsonDocument.Parse(_bytes.Slice(m.Start, m.Length), new JsonDocumentOptions { MaxDepth = 1_000 });
        return document.RootElement.Clone();
    }

    /// <summary>The same bytes with members replaced or, where they are missing, put in front.</summary>
    public byte[] With(params ReadOnlySpan<(string Name, byte[] Value)> changes) => With(changes, []);

    /// <summary>As above, without the members called in <paramref name="drops"/>; only then the white space between members goes.</summary>
    public byte[] With(ReadOnlySpan<(string Name, byte[] Value)> changes, IReadOnlyList<string> drops)
    {
        if (drops.Any(_members.ContainsKey))
        {
            return Without(drops).With(changes);
        }

        var output = new ArrayBufferWriter<byte>(_bytes.Length + 256);
        var position = 0;
        Copy(_bodyStart);
        var any = _members.Count > 0;
        for (var i = 0; i < changes.Length; i++)
        {
            if (!_members.ContainsKey(changes[i].Name))
            {
                output.Write(JsonSerializer.SerializeToUtf8Bytes(changes[i].Name));
                output.Write(":"u8);
                output.Write(changes[i].Value);
                output.Write(any || MoreMissing(changes[(i + 1)..]) ? ","u8 : default);
            }
        }

        List<(int Start, int Length, byte[] Value)> edits = [];
        foreach (var (name, value) in changes)
        {
            if (_members.TryGetValue(name, out var m))
            {
                edits.Add((m.Start, m.Length, value));
            }
        }

        edits.Sort(static (a, b) => a.Start.CompareTo(b.Start));
        foreach (var (start, length, value) in edits)
        {
            Copy(start);
            output.Write(value);
            position = start + length;
        }

        Copy(_bytes.Length);
        return output.WrittenSpan.ToArray();

        void Copy(int until)
        {
            output.Write(_bytes.Span[position..until]);
            position = until;
        }
    }

    /// <summary>Length of the whole object in bytes.</summary>
    public int Length => _bytes.Length;

    /// <summary>The whole object.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <summary>The object without some members.</summary>
    public JsonMembers Without(params IReadOnlyList<string> drops)
    {
        var output = new ArrayBufferWriter<byte>(_bytes.Length);
        var separator = (byte)'{';
        foreach (var (name, (start, length, _)) in _members)
        {
            if (!drops.Contains(name, StringComparer.Ordinal))
            {
                output.Write([separator]);
                output.Write(JsonSerializer.SerializeToUtf8Bytes(name));
                output.Write(":"u8);
                output.Write(_bytes.Span.Slice(start, length));
                separator = (byte)',';
            }
        }

        output.Write(separator == '{' ? "{}"u8 : "}"u8);
        return Scan(output.WrittenMemory, 1_000, out _)!;
    }

    private bool MoreMissing(ReadOnlySpan<(string Name, byte[] Value)> changes)
    {
        foreach (var (name, _) in changes)
        {
            if (!_members.ContainsKey(name))
            {
                return true;
            }
        }

        return false;
    }
}
