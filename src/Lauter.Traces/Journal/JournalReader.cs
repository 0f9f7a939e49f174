using System.Buffers;
using System.Text.Json;

namespace Lauter.Traces;

/// <summary>What a pass over the journal found.</summary>
/// <param name="Segments">Segments that were taken over and deleted.</param>
/// <param name="Traces">Traces in them, those already known included.</param>
/// <param name="Feedback">Feedback in them, that already known included.</param>
/// <param name="Problems">Torn ends and damage, each with the file and the offset.</param>
public sealed record JournalReport(int Segments, int Traces, int Feedback, IReadOnlyList<string> Problems)
{
    /// <summary>True when no other process had a segment in use and nothing was damaged: every settled request of ended processes is in the store.</summary>
    public bool Complete { get; init; } = true;

    /// <summary>Requests of ended processes that had begun and never ended.</summary>
    public int Lost { get; init; }
}

/// <summary>
/// Moves segments into the store: reads a whole segment, hands its traces to <c>post</c> (the ledger), writes them to the store, and only
/// then deletes the file. Everything on the way is idempotent by trace id, so a crash at any point repeats work and loses nothing.
/// </summary>
/// <param name="directory">The journal's directory.</param>
/// <param name="store">Where records go.</param>
/// <param name="post">Called before the store is written, with traces that may have been posted before.</param>
/// <param name="ownWriter">The <see cref="TraceJournal.WriterId"/> of this process: its open segment does not make a pass incomplete.</param>
public sealed class JournalReader(string directory, TraceStore store, Action<IReadOnlyList<TraceRecord>>? post = null, string? ownWriter = null)
{
    private const int BatchSize = 500;
    private readonly Lock _gate = new();

    /// <summary>Takes over every segment that no writer has in use. Segments of a living writer wait until it rotates.</summary>
    public JournalReport Drain(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            var report = new JournalReport(0, 0, 0, []);
            List<string> problems = [];
            var files = Directory.Exists(directory) ? Directory.GetFiles(directory, "*.journal") : [];
            foreach (var file in files.Order(StringComparer.Ordinal))
            {
                cancellationToken.ThrowIfCancellationRequested();
                report = TakeOver(file, report, problems);
            }

            return report with { Problems = problems, Lost = FindLost() };
        }
    }

    internal static string AlivePath(string directory, string writer) => Path.Combine(directory, writer + ".writer");

    /// <summary>What a dead writer began and did not end is lost: it is recorded as that, with an unknown cost.</summary>
    private int FindLost()
    {
        var lost = 0;
        foreach (var writer in store.OpenWriters())
        {
            var alive = AlivePath(directory, writer);
            if (writer == ownWriter || !IsFree(alive) || Directory.GetFiles(directory, $"*-{writer}.journal").Length > 0)
            {
                continue; // it lives, or its last segments are still to come
            }

            foreach (var batch in store.Open(writer).Select(b => b.ToLost()).Chunk(BatchSize))
            {
                post?.Invoke(batch);
                store.Write(batch, []);
                lost += batch.Length;
            }

            File.Delete(alive);
        }

        return lost;
    }

    private static bool IsFree(string path)
    {
        try
        {
            using var taken = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return true;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return true;
        }
        catch (IOException)
        {
            return false; // locked: the writer lives
        }
    }

    private JournalReport TakeOver(string file, JournalReport report, List<string> problems)
    {
        FileStream segment;
        try
        {
            segment = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        }
        catch (FileNotFoundException)
        {
            return report; // another reader was faster
        }
        catch (IOException)
        {
            var own = ownWriter is not null && file.EndsWith($"-{ownWriter}.journal", StringComparison.Ordinal);
            return report with { Complete = report.Complete && own }; // in use
        }

        using (segment)
        {
            var (traces, feedback, begun, damaged) = Read(file, segment, problems);
            foreach (var batch in traces.Chunk(BatchSize))
            {
                post?.Invoke(batch);
                store.Write(batch, []);
            }

            store.Write([], feedback);
            if (begun.Count > 0)
            {
                var ended = traces.Select(t => t.Id).ToHashSet();
                store.Write([.. begun.Where(b => !ended.Contains(b.Id))], WriterOf(file));
            }

            if (damaged)
            {
                // Kept for a person: deleting it would lose what follows the damage.
                File.Move(file, file + ".damaged", overwrite: true);
                return report with { Traces = report.Traces + traces.Count, Feedback = report.Feedback + feedback.Count, Complete = false };
            }

            File.Delete(file);
            return report with { Segments = report.Segments + 1, Traces = report.Traces + traces.Count, Feedback = report.Feedback + feedback.Count };
        }
    }

    private static string WriterOf(string file) => Path.GetFileNameWithoutExtension(file).Split('-')[^1];

    private static (List<TraceRecord> Traces, List<FeedbackRecord> Feedback, List<BegunRecord> Begun, bool Damaged) Read(string file, FileStream segment, List<string> problems)
    {
        // From the pool: an array of megabytes each second would wait for the next full collection.
        var length = checked((int)segment.Length);
        var bytes = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            segment.ReadExactly(bytes, 0, length);
            return Read(file, bytes.AsSpan(0, length), problems);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private static (List<TraceRecord> Traces, List<FeedbackRecord> Feedback, List<BegunRecord> Begun, bool Damaged) Read(
        string file, ReadOnlySpan<byte> bytes, List<string> problems)
    {
        List<BegunRecord> begun = [];
        List<TraceRecord> traces = [];
        List<FeedbackRecord> feedback = [];
        if (bytes.Length < JournalFormat.Magic.Length)
        {
            if (bytes.Length > 0)
            {
                problems.Add($"{file}: only {bytes.Length} bytes of its head were written; no record was in it.");
            }

            return (traces, feedback, begun, false);
        }

        if (!bytes.StartsWith(JournalFormat.Magic))
        {
            problems.Add($"{file}: not a journal segment of this version; it is kept as {file}.damaged.");
            return (traces, feedback, begun, true);
        }

        for (var offset = JournalFormat.Magic.Length; ;)
        {
            var step = JournalFormat.Read(bytes, offset, out var kind, out var payload, out var next);
            switch (step)
            {
                case JournalStep.End:
                    return (traces, feedback, begun, false);
                case JournalStep.Torn:
                    problems.Add($"{file}: the last record, at byte {offset} of {bytes.Length}, was not written to its end; its request never got its last byte.");
                    return (traces, feedback, begun, false);
                case JournalStep.Damaged:
                    problems.Add($"{file}: the record at byte {offset} of {bytes.Length} fails its checksum and more follows; the file is kept as {file}.damaged.");
                    return (traces, feedback, begun, true);
            }

            try
            {
                switch (kind)
                {
                    case JournalKind.Trace:
                        traces.Add(JsonSerializer.Deserialize(payload, TraceJson.Relaxed.TraceRecord)!);
                        break;
                    case JournalKind.Feedback:
                        feedback.Add(JsonSerializer.Deserialize(payload, TraceJson.Relaxed.FeedbackRecord)!);
                        break;
                    case JournalKind.Begun:
                        begun.Add(JsonSerializer.Deserialize(payload, TraceJson.Relaxed.BegunRecord)!);
                        break;
                    default:
                        problems.Add($"{file}: the record at byte {offset} is of the unknown kind {(byte)kind}; the file is kept as {file}.damaged.");
                        return (traces, feedback, begun, true);
                }
            }
            catch (JsonException e)
            {
                problems.Add($"{file}: the record at byte {offset} cannot be read ({e.Message}); the file is kept as {file}.damaged.");
                return (traces, feedback, begun, true);
            }

            offset = next;
        }
    }
}
