using System.Buffers.Text;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lauter.Bench;

/// <summary>Times of one run, in microseconds, and what went wrong.</summary>
internal sealed record LoadResult(double[] Times, double Seconds, int Errors)
{
    public double RequestsPerSecond => Times.Length / Seconds;

    /// <summary>The q-quantile in milliseconds.</summary>
    public double Milliseconds(double q) => Times.Length == 0 ? double.NaN : Times[(int)Math.Min(Times.Length - 1, q * Times.Length)] / 1000;
}

/// <summary>
/// A load generator on plain sockets: requests are ready bytes, answers are read to their end and checked for status 200. It costs a small part of
/// what a server costs, so that both fit two cores. One request at a time on each connection.
/// </summary>
internal sealed class GatewayLoad(IPEndPoint address, byte[] request)
{
    /// <summary>One connection, one request after the other, on a thread of its own with blocking calls.</summary>
    /// <param name="count">Requests.</param>
    /// <param name="firstByte">True = the time until the first byte of the body's first event, else until the answer's end.</param>
    public LoadResult Sequential(int count, bool firstByte = false)
    {
        using var socket = Connect();
        var buffer = new byte[256 * 1024];
        var times = new double[count];
        var errors = 0;
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < count; i++)
        {
            var began = Stopwatch.GetTimestamp();
            socket.Send(request);
            var state = new AnswerReader();
            var length = 0;
            var first = 0L;
            while (!state.Done)
            {
                var read = socket.Receive(buffer.AsSpan(length));
                if (read == 0)
                {
                    throw new IOException("The server closed the connection.");
                }

                length += read;
                state.Read(buffer.AsSpan(0, length));
                if (first == 0 && state.BodyBegan)
                {
                    first = Stopwatch.GetTimestamp();
                }
            }

            errors += Check(state, buffer.AsSpan(0, length));
            times[i] = Stopwatch.GetElapsedTime(began, firstByte ? first : Stopwatch.GetTimestamp()).TotalMicroseconds;
        }

        var seconds = clock.Elapsed.TotalSeconds;
        Array.Sort(times);
        return new LoadResult(times, seconds, errors);
    }

    private static int _told;

    /// <summary>1 for an error; the first one is shown, because a number alone explains nothing.</summary>
    private static int Check(AnswerReader state, ReadOnlySpan<byte> answer)
    {
        if (state.Status == 200)
        {
            return 0;
        }

        if (Interlocked.Exchange(ref _told, 1) == 0)
        {
            Console.Error.WriteLine($"first error: {Encoding.UTF8.GetString(answer)}");
        }

        return 1;
    }

    /// <summary>Several connections at once for a while.</summary>
    public async Task<LoadResult> ConcurrentAsync(int connections, TimeSpan duration, int? most = null)
    {
        var clock = Stopwatch.StartNew();
        var left = most ?? int.MaxValue;
        var all = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(async () =>
        {
            List<double> times = [];
            var errors = 0;
            using var socket = Connect();
            var buffer = new byte[64 * 1024];
            while (clock.Elapsed < duration && Interlocked.Decrement(ref left) >= 0)
            {
                var began = Stopwatch.GetTimestamp();
                await socket.SendAsync(request);
                var state = new AnswerReader();
                var length = 0;
                while (!state.Done)
                {
                    var read = await socket.ReceiveAsync(buffer.AsMemory(length));
                    if (read == 0)
                    {
                        throw new IOException("The server closed the connection.");
                    }

                    length += read;
                    state.Read(buffer.AsSpan(0, length));
                }

                errors += Check(state, buffer.AsSpan(0, length));
                times.Add(Stopwatch.GetElapsedTime(began).TotalMicroseconds);
            }

            return (times, errors);
        })));
        var seconds = clock.Elapsed.TotalSeconds;
        double[] sorted = [.. all.SelectMany(a => a.times)];
        Array.Sort(sorted);
        return new LoadResult(sorted, seconds, all.Sum(a => a.errors));
    }

    /// <summary>A ready request.</summary>
    public static byte[] Post(string path, string body, params string[] headers) => Encoding.UTF8.GetBytes(
        $"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n{string.Concat(headers.Select(h => h + "\r\n"))}\r\n{body}");

    private Socket Connect()
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(address);
        return socket;
    }

    /// <summary>Finds the end of one HTTP/1.1 answer in bytes that grow.</summary>
    private struct AnswerReader
    {
        private int _body;
        private int _length;
        private int _scanned;
        private bool _chunked;

        public int Status { get; private set; }

        public bool BodyBegan { get; private set; }

        public bool Done { get; private set; }

        public void Read(ReadOnlySpan<byte> bytes)
        {
            if (_body == 0)
            {
                var end = bytes.IndexOf("\r\n\r\n"u8);
                if (end < 0)
                {
                    return;
                }

                _body = end + 4;
                _ = Utf8Parser.TryParse(bytes[9..], out int status, out _);
                Status = status;
                var head = bytes[..end];
                var at = IndexOfHeader(head, "content-length: "u8);
                _chunked = at < 0;
                _length = at >= 0 && Utf8Parser.TryParse(head[at..], out int length, out _) ? length : 0;
                _scanned = _body;
            }

            BodyBegan |= bytes.Length > _body;
            if (!_chunked)
            {
                Done = bytes.Length >= _body + _length;
                return;
            }

            while (true)
            {
                var line = bytes[_scanned..].IndexOf("\r\n"u8);
                if (line < 0 || !Utf8Parser.TryParse(bytes.Slice(_scanned, line), out int size, out _, 'x'))
                {
                    return;
                }

                if (bytes.Length < _scanned + line + 2 + size + 2)
                {
                    return;
                }

                _scanned += line + 2 + size + 2;
                if (size == 0)
                {
                    Done = true;
                    return;
                }
            }
        }

        private static int IndexOfHeader(ReadOnlySpan<byte> head, ReadOnlySpan<byte> name)
        {
            for (var i = 0; i + name.Length <= head.Length; i++)
            {
                var found = true;
                for (var j = 0; j < name.Length && found; j++)
                {
                    found = (head[i + j] | 0x20) == (name[j] | 0x20);
                }

                if (found)
                {
                    return i + name.Length;
                }
            }

            return -1;
        }
    }
}
