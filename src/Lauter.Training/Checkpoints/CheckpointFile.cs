using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Lauter.Training.Checkpoints;

/// <summary>
/// One file with all a run needs to go on bit for bit: header, then float arrays, then a checksum. It is written beside the old one, flushed
/// and renamed, so that a crash leaves the old or the new checkpoint, never a half.
/// Layout, little-endian: "LAUTERC1", i32 header length, header (JSON), arrays of f32, u64 XXH3 of all bytes before.
/// </summary>
internal static class CheckpointFile
{
    public const string Name = "state.bin";
    private static ReadOnlySpan<byte> Magic => "LAUTERC1"u8;

    public static void Write(string path, CheckpointHeader header, IEnumerable<float[]> arrays)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temporary = path + ".tmp";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20))
        {
            var hash = new XxHash3();
            Append(Magic);
            var json = JsonSerializer.SerializeToUtf8Bytes(header, CheckpointJson.Default.CheckpointHeader);
            Span<byte> length = stackalloc byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(length, json.Length);
            Append(length);
            Append(json);
            foreach (var array in arrays)
            {
                Append(MemoryMarshal.AsBytes(array.AsSpan()));
            }

            Span<byte> sum = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(sum, hash.GetCurrentHashAsUInt64());
            file.Write(sum);
            file.Flush(flushToDisk: true);

            void Append(ReadOnlySpan<byte> bytes)
            {
                file.Write(bytes);
                hash.Append(bytes);
            }
        }

        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>The checkpoint at <paramref name="path"/>, or null when there is none or it belongs to another run.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static (CheckpointHeader Header, float[][] Arrays)? Read(string path, string runDigest)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        var bytes = File.ReadAllBytes(path);
        var damaged = bytes.Length < Magic.Length + 12
            || !bytes.AsSpan().StartsWith(Magic)
            || XxHash3.HashToUInt64(bytes.AsSpan(0, bytes.Length - 8)) != BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(bytes.Length - 8));
        if (damaged)
        {
            throw new InvalidDataException($"The checkpoint {path} is damaged (its checksum does not fit). Delete it to train from the start.");
        }

        var at = Magic.Length;
        var length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at));
        var header = JsonSerializer.Deserialize(bytes.AsSpan(at + 4, length), CheckpointJson.Default.CheckpointHeader)!;
        if (header.RunDigest != runDigest)
        {
            return null;
        }

        at += 4 + length;
        var arrays = new float[header.Lengths.Length][];
        for (var i = 0; i < arrays.Length; i++)
        {
            arrays[i] = MemoryMarshal.Cast<byte, float>(bytes.AsSpan(at, 4 * header.Lengths[i])).ToArray();
            at += 4 * header.Lengths[i];
        }

        return (header, arrays);
    }
}
