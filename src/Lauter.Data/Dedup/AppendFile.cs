using Microsoft.Win32.SafeHandles;

namespace Lauter.Data.Dedup;

/// <summary>
/// A file that grows at its end through a buffer and is read anywhere, what is still in the buffer included. Bytes behind the length it is opened
/// with are written over. Reads are thread-safe among themselves, not beside an append.
/// </summary>
internal sealed class AppendFile(string path, long length, int capacity) : IDisposable
{
    private readonly SafeFileHandle _handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite);
    private readonly byte[] _buffer = new byte[capacity];
    private int _buffered;

    /// <summary>Bytes, those in the buffer included.</summary>
    public long Length { get; private set; } = length;

    /// <summary>Appends and says where.</summary>
    public long Append(ReadOnlySpan<byte> bytes)
    {
        if (_buffered + bytes.Length > _buffer.Length)
        {
            Flush();
        }

        var at = Length;
        if (bytes.Length > _buffer.Length)
        {
            RandomAccess.Write(_handle, bytes, at);
        }
        else
        {
            bytes.CopyTo(_buffer.AsSpan(_buffered));
            _buffered += bytes.Length;
        }

        Length += bytes.Length;
        return at;
    }

    /// <exception cref="InvalidDataException">The file is shorter than it was.</exception>
    public void Read(Span<byte> target, long at)
    {
        var flushed = Length - _buffered;
        var inFile = (int)Math.Clamp(flushed - at, 0, target.Length);
        ReadExactly(target[..inFile], at);
        if (inFile < target.Length)
        {
            _buffer.AsSpan((int)(at + inFile - flushed), target.Length - inFile).CopyTo(target[inFile..]);
        }
    }

    public void Flush()
    {
        RandomAccess.Write(_handle, _buffer.AsSpan(0, _buffered), Length - _buffered);
        _buffered = 0;
    }

    public void FlushToDisk()
    {
        Flush();
        RandomAccess.FlushToDisk(_handle);
    }

    public void Dispose() => _handle.Dispose();

    private void ReadExactly(Span<byte> target, long at)
    {
        while (target.Length > 0)
        {
            var read = RandomAccess.Read(_handle, target, at);
            if (read == 0)
            {
                throw new InvalidDataException("A file of the duplicate index is shorter than index.json says: it was changed from outside. Delete the index's folder and build it again.");
            }

            target = target[read..];
            at += read;
        }
    }
}
