using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace Lauter.Models.Safetensors;

/// <summary>One mapped file of a checkpoint.</summary>
internal sealed class SafetensorsShard : IDisposable
{
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;

    private SafetensorsShard(MemoryMappedFile map, MemoryMappedViewAccessor view, List<SafetensorsTensor> tensors)
    {
        _map = map;
        _view = view;
        Tensors = tensors;
    }

    public IReadOnlyList<SafetensorsTensor> Tensors { get; }

    public static SafetensorsShard Open(string path, Dictionary<string, string> metadata)
    {
        var length = new FileInfo(path).Length;
        if (length < 10)
        {
            throw new SafetensorsFormatException($"{path}: a file of {length} bytes is too short.");
        }

        var map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, mapName: null, 0, MemoryMappedFileAccess.Read);
        MemoryMappedViewAccessor? view = null;
        try
        {
            view = map.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            return new SafetensorsShard(map, view, SafetensorsHeader.Read(view.SafeMemoryMappedViewHandle, length, path, metadata));
        }
        catch
        {
            // The half-open mapping must not outlive a refused file.
            view?.Dispose();
            map.Dispose();
            throw;
        }
    }

    /// <summary>Copies bytes of the file; <paramref name="offset"/> counts from its start.</summary>
    public void Read(long offset, Span<byte> destination)
    {
        if (destination.Length > 0)
        {
            _view.SafeMemoryMappedViewHandle.ReadSpan((ulong)offset, destination);
        }
    }

    public void Dispose()
    {
        _view.Dispose();
        _map.Dispose();
    }
}
