using Lauter.Gateway.Providers;
using Lauter.Gateway.Settlement;

namespace Lauter.Gateway.Caches;

/// <summary>An answer on its way into the cache; kept only by <see cref="Commit"/>, after its request was settled as answered.</summary>
internal sealed class CacheRecording(ExactCache cache, string key, string tenant, bool stream) : IDisposable
{
    private const int MaximumBytes = 1024 * 1024;
    private readonly PooledBytes _bytes = new();
    private readonly List<int> _ends = [];
    private string _text = "";
    private bool _whole;
    private bool _tooLarge;

    public void Event(ReadOnlySpan<byte> json)
    {
        if (_tooLarge || (_tooLarge = _bytes.Length + json.Length > MaximumBytes))
        {
            return;
        }

        System.Buffers.BuffersExtensions.Write(_bytes, json);
        _ends.Add(_bytes.Length);
    }

    public void Whole(ReadOnlySpan<byte> json, AnswerScan scan)
    {
        Event(json);
        (_whole, _text) = (!stream, scan.Text); // an upstream that did not stream although it was asked to is not kept
    }

    public void Stream(AnswerScan scan) => (_whole, _text) = (true, scan.Text);

    /// <summary>Keeps the answer; null = it is not one that is kept.</summary>
    public CachedAnswer? Commit(RequestEnd end)
    {
        if (_whole && !_tooLarge && end.FinishReason is "stop" or "tool_calls" or "function_call" or null)
        {
            var answer = new CachedAnswer(key, tenant, stream, _bytes.Span.ToArray(), [.. _ends], end.FinishReason, _text, end.Target?.Key, cache.Timestamp());
            cache.Keep(answer);
            return answer;
        }

        return null;
    }

    public void Dispose() => _bytes.Dispose();
}
