using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Lauter.Tests.Training;

/// <summary>The least that reads the reference tensors: F32 and I64.</summary>
internal sealed class SafetensorsReader
{
    private readonly byte[] _bytes;
    private readonly JsonElement _header;
    private readonly int _data;

    public SafetensorsReader(string path)
    {
        _bytes = File.ReadAllBytes(path);
        _data = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(_bytes);
        _header = JsonDocument.Parse(_bytes.AsMemory(8, _data - 8)).RootElement;
    }

    public bool Has(string name) => _header.TryGetProperty(name, out _);

    public long[] Shape(string name) => [.. _header.GetProperty(name).GetProperty("shape").EnumerateArray().Select(e => e.GetInt64())];

    public T[] Read<T>(string name)
        where T : unmanaged
    {
        var offsets = _header.GetProperty(name).GetProperty("data_offsets");
        int start = offsets[0].GetInt32(), end = offsets[1].GetInt32();
        return MemoryMarshal.Cast<byte, T>(_bytes.AsSpan(_data + start, end - start)).ToArray();
    }
}
