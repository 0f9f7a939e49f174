namespace Lauter.Gateway.Providers;

/// <summary>
/// A response of a provider that began well, with the time limits of the rest: at most <c>eventTimeout</c> between two events and
/// <c>total</c> for all of it. Cancelling it closes the connection, which is how a provider learns that nobody listens any more.
/// </summary>
internal sealed class UpstreamAnswer : IDisposable
{
    private const int MaximumEventBytes = 4 * 1024 * 1024;
    private readonly HttpResponseMessage _response;
    private readonly Stream _stream;
    private readonly CancellationTokenSource _limit;
    private readonly CancellationTokenRegistration _gone;
    private readonly TimeSpan _eventTimeout;
    private readonly TimeProvider _time;
    private readonly long _ends;
    private PooledBytes? _whole;
    private ReadOnlyMemory<byte>? _again;
    private SseReader? _events;

    public UpstreamAnswer(
        HttpResponseMessage response, Stream stream, CancellationTokenSource limit, CancellationTokenRegistration gone, TimeSpan eventTimeout, long ends, TimeProvider time)
    {
        (_response, _stream, _limit, _gone, _eventTimeout, _ends, _time) = (response, stream, limit, gone, eventTimeout, ends, time);
        IsStream = response.Content.Headers.ContentType?.MediaType == "text/event-stream";
    }

    public bool IsStream { get; }

    /// <summary>The first event that carries data, or empty when there was none.</summary>
    public ReadOnlyMemory<byte> FirstEvent { get; private set; }

    public CancellationToken Token => _limit.Token;

    public bool HasNextEvent => _events!.HasNext;

    /// <summary>Waits for the first event with data: until then nothing was sent to the caller, and another target may be asked.</summary>
    public async ValueTask BeginStreamAsync()
    {
        _events = new SseReader(_stream, MaximumEventBytes);
        do
        {
            FirstEvent = await _events.ReadAsync(_limit.Token);
        }
        while (!FirstEvent.IsEmpty && SseReader.DataOf(FirstEvent).IsEmpty);
    }

    public ValueTask<ReadOnlyMemory<byte>> ReadEventAsync()
    {
        if (!_events!.HasNext)
        {
            Arm(_eventTimeout);
        }

        return _events.ReadAsync(_limit.Token);
    }

    /// <summary>The next <see cref="ReadWholeAsync"/> gives these bytes: what was read already.</summary>
    public void Rewind(ReadOnlyMemory<byte> bytes) => _again = bytes;

    /// <exception cref="InvalidDataException">It is larger than allowed.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadWholeAsync(int most)
    {
        if (_again is { } known)
        {
            return known;
        }

        Arm(Timeout.InfiniteTimeSpan);
        _whole = new PooledBytes((int)Math.Clamp(_response.Content.Headers.ContentLength ?? 0, 1024, most) + 1);
        for (int read; (read = await _stream.ReadAsync(_whole.GetMemory(1024), _limit.Token)) > 0;)
        {
            _whole.Advance(read);
            if (_whole.Length > most)
            {
                throw new InvalidDataException($"The provider's answer is larger than {most} bytes.");
            }
        }

        return _whole.Memory;
    }

    public void Dispose()
    {
        _gone.Dispose();
        _events?.Dispose();
        _response.Dispose();
        _whole?.Dispose();
        _limit.Dispose();
    }

    private void Arm(TimeSpan most)
    {
        var left = _time.GetElapsedTime(_time.GetTimestamp(), _ends);
        _limit.CancelAfter(left <= TimeSpan.Zero ? TimeSpan.Zero : most != Timeout.InfiniteTimeSpan && most < left ? most : left);
    }
}
