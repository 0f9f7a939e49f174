using System.Collections.Concurrent;
using LLama.Native;
using Lauter.Inference.Native;
using Lauter.Inference.Scheduler;

namespace Lauter.Inference.Adapters;

/// <summary>An adapter cannot be loaded or dropped; the text is for the caller.</summary>
internal sealed class AdapterException(string message) : Exception(message);

/// <summary>
/// The LoRA adapters of an engine by name, loaded and dropped while it serves. Requests with different adapters are worked on in turn, as a
/// batch has one set of weights. A dropped adapter takes no new requests and is freed with its last one. Thread-safe, except where noted.
/// </summary>
internal sealed class AdapterShelf(LoadedModel model, GenerationScheduler scheduler) : IDisposable
{
    /// <summary>Adapters at once: each keeps its weights in memory.</summary>
    public const int Most = 64;

    private readonly ConcurrentDictionary<string, LoadedAdapter> _byName = new(StringComparer.Ordinal);
    private int _generations;

    public IReadOnlyList<LoadedAdapter> All => [.. _byName.Values.OrderBy(adapter => adapter.Name, StringComparer.Ordinal)];

    public LoadedAdapter? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Reads a GGUF adapter and takes requests for it.</summary>
    /// <exception cref="AdapterException">The file is no adapter of this model, or the name is taken.</exception>
    public async Task<LoadedAdapter> LoadAsync(string name, string path, float scale)
    {
        AdapterFileCheck.Check(path, model);
        return await scheduler.OnThreadAsync(() => Load(name, path, scale));
    }

    /// <summary>Takes no more requests for an adapter; false when there is none of this name.</summary>
    public Task<bool> DropAsync(string name) => scheduler.OnThreadAsync(() =>
    {
        if (!_byName.TryRemove(name, out var adapter))
        {
            return false;
        }

        adapter.IsDropped = true;
        FreeIfUnused(adapter);
        return true;
    });

    /// <summary>A job with this adapter came in. Scheduler's thread only.</summary>
    public void Use(LoadedAdapter? adapter)
    {
        if (adapter is not null)
        {
            adapter.Uses++;
        }
    }

    /// <summary>A job with this adapter is over. Scheduler's thread only.</summary>
    public void Release(LoadedAdapter? adapter)
    {
        if (adapter is not null)
        {
            adapter.Uses--;
            FreeIfUnused(adapter);
        }
    }

    /// <summary>Called after the scheduler's thread has ended; the model frees the native adapters.</summary>
    public void Dispose() => _byName.Clear();

    private LoadedAdapter Load(string name, string path, float scale)
    {
        if (_byName.ContainsKey(name))
        {
            throw new AdapterException($"An adapter named '{name}' is loaded already; drop it first.");
        }

        if (_byName.Count >= Most)
        {
            throw new AdapterException($"{Most} adapters are loaded, which is the most; drop one first.");
        }

        LoraAdapter native;
        try
        {
            native = model.Handle.LoadLoraFromFile(path);
        }
        catch (Exception error) when (error is LLama.Exceptions.RuntimeError or IOException or UnauthorizedAccessException)
        {
            throw new AdapterException($"llama.cpp refused the adapter '{path}': {error.Message}");
        }

        var adapter = new LoadedAdapter(name, path, ++_generations, native) { Scale = scale };
        // An adapter that silently does nothing answers fluently and wrongly, so its effect is measured and shown.
        adapter.Effect = scheduler.Probe(adapter);
        _byName[name] = adapter;
        return adapter;
    }

    private void FreeIfUnused(LoadedAdapter adapter)
    {
        if (adapter is { IsDropped: true, Uses: 0 })
        {
            scheduler.Apply(null);
            scheduler.DropPrefixes(adapter);
            adapter.Native.Unload();
        }
    }
}
