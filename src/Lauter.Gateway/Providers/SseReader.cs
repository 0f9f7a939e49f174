using System.Buffers;

namespace Lauter.Gateway.Providers;

/// <summary>Splits a response into server-sent events at blank lines, whatever the line ends and however the bytes were cut on the way.</summary>
internal sealed class SseReader(Stream stream, int maximumEventBytes) : IDisposable
{
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(8 * 1024);
    private int _start;
    private int _end;

    /// <summary>True when the next event is here already.</summary>
    public bool HasNext => EventLength(_buffer.AsSpan(_start, _end - _start), 0) > 0;

    /// <summary>Gives the buffer back; events that were handed out are invalid then.</summary>
    public void Dispose()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
            (_start, _end) = (0, 0);
        }
    }

    /// <summary>The next event's bytes including its blank line, valid until the next call; empty at the end. What follows the last blank line is not an event.</summary>
    /// <exception cref="InvalidDataException">An event is larger than allowed.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancellationToken)
    {
        var scanned = _start;
        while (true)
        {
            var length = EventLength(_buffer.AsSpan(_start, _end - _start), scanned - _start);
            if (length > 0)
            {
                var found = _buffer.AsMemory(_start, length);
                _start += length;
                return found;
            }

            scanned = Math.Max(_start, _end - 3);
            if (_end - _start > maximumEventBytes)
            {
                throw new InvalidDataException($"An event of the stream is larger than {maximumEventBytes} bytes.");
            }

            if (_start > 0)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                (scanned, _end, _start) = (scanned - _start, _end - _start, 0);
            }

            if (_end == _buffer.Length)
            {
                var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
                _buffer.AsSpan(0, _end).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(_buffer);
                _buffer = larger;
            }

            var read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
            if (read == 0)
            {
                return default;
            }

            _end += read;
        }
    }

    /// <summary>The concatenated <c>data</c> lines of an event, or empty for comments and other fields.</summary>
    public static ReadOnlyMemory<byte> DataOf(ReadOnlyMemory<byte> text)
    {
        ReadOnlyMemory<byte> single = default;
        ArrayBufferWriter<byte>? several = null;
        while (!text.IsEmpty)
        {
            var end = text.Span.IndexOfAny((byte)'\n', (byte)'\r');
            var line = end < 0 ? text : text[..end];
            text = end < 0 ? default : text[(end + 1)..];
            if (!line.Span.StartsWith("data:"u8))
            {
                continue;
            }

            line = line[5..];
            line = line.Length > 0 && line.Span[0] == (byte)' ' ? line[1..] : line;
            if (single.IsEmpty && several is null)
            {
                single = line;
                continue;
            }

            if (several is null)
            {
                several = new ArrayBufferWriter<byte>();
                several.Write(single.Span);
            }

            several.Write("\n"u8);
            several.Write(line.Span);
        }

        return several?.WrittenMemory ?? single;
    }

    private static int EventLength(ReadOnlySpan<byte> bytes, int from)
    {
        for (var i = Math.Max(0, from); i < bytes.Length - 1; i++)
        {
            if (bytes[i] == '\n' && bytes[i + 1] == '\n')
            {
                return i + 2;
            }

            if (bytes[i] == '\n' && bytes[i + 1] == '\r' && i + 2 < bytes.Length && bytes[i + 2] == '\n')
            {
                return i + 3;
            }
        }

        return 0;
    }
}
