using System.Xml;

namespace Lauter.Data.Readers;

/// <summary>
/// Files → documents. Never throws on bad input: what cannot be read is a reject with a reason. Formats: md, html, docx, xlsx, pptx, eml, csv,
/// tsv, txt, pdf, and zip files of these. Thread-safe; each file is read on a thread of its own with a deep stack and a time limit.
/// </summary>
public static class DocumentReader
{
    private const int StackBytes = 16 << 20;

    /// <summary>File name extensions with a reader, with the leading point.</summary>
    public static IReadOnlyCollection<string> Extensions => FormatReaders.ByExtension.Keys;

    /// <summary>Reads one source.</summary>
    /// <param name="path">Path that the rows show; its extension chooses the reader.</param>
    /// <param name="bytes">The content.</param>
    /// <param name="limits">What it may cost.</param>
    /// <param name="cancellation">Ends the wait; the only exception that leaves this method.</param>
    public static ReadResult Read(string path, ReadOnlyMemory<byte> bytes, ReaderLimits limits, CancellationToken cancellation = default)
    {
        var context = new ReadContext(limits, cancellation);
        var thread = new Thread(() => ReadInto(context, path, bytes, depth: 0), StackBytes) { IsBackground = true, Name = "document reader" };
        thread.Start();

        // Readers look at the clock themselves; the margin is for a library that does not come back.
        if (!thread.Join(limits.Timeout + TimeSpan.FromSeconds(5)))
        {
            var stuck = new ReadContext(limits, cancellation);
            stuck.Reject(path, RejectReasons.Timeout, $"reading took longer than {limits.Timeout.TotalSeconds:0} s.");
            return new ReadResult([], stuck.Rejects);
        }

        cancellation.ThrowIfCancellationRequested();
        return new ReadResult(context.Documents, context.Rejects);
    }

    /// <summary>Reads a file from disk; a file that is not there or too large is a reject as well.</summary>
    public static ReadResult ReadFile(string path, ReaderLimits? limits = null, CancellationToken cancellation = default) =>
        Read(new SourceFile(Path.GetFileName(path), path), limits ?? new ReaderLimits(), cancellation);

    internal static ReadResult Read(SourceFile file, ReaderLimits limits, CancellationToken cancellation)
    {
        try
        {
            var length = new FileInfo(file.FullPath).Length;
            return length > limits.MaximumBytes
                ? Failed(file.RelativePath, RejectReasons.TooLarge, $"{length} bytes, {limits.MaximumBytes} are allowed.", limits)
                : Read(file.RelativePath, File.ReadAllBytes(file.FullPath), limits, cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Failed(file.RelativePath, RejectReasons.Unreadable, e.Message.Replace(file.FullPath, file.RelativePath, StringComparison.Ordinal), limits);
        }
    }

    /// <summary>Reads one source or part of a container into the context; used again for entries and attachments.</summary>
    internal static void ReadInto(ReadContext context, string path, ReadOnlyMemory<byte> bytes, int depth)
    {
        try
        {
            context.CheckTime();
            if (bytes.Length > context.Limits.MaximumBytes)
            {
                throw new ReaderFault(RejectReasons.TooLarge, $"{bytes.Length} bytes, {context.Limits.MaximumBytes} are allowed.");
            }

            if (bytes.Length == 0)
            {
                throw new ReaderFault(RejectReasons.EmptyFile, "the file has no bytes.");
            }

            if (depth > context.Limits.MaximumDepth)
            {
                throw new ReaderFault(RejectReasons.ZipBomb, $"containers are nested more than {context.Limits.MaximumDepth} deep.");
            }

            if (context.Documents.Count >= context.Limits.MaximumDocuments)
            {
                throw new ReaderFault(RejectReasons.TooLarge, $"more than {context.Limits.MaximumDocuments} documents in one source file.");
            }

            var extension = Path.GetExtension(path).ToLowerInvariant();
            if (!FormatReaders.ByExtension.TryGetValue(extension, out var read))
            {
                throw new ReaderFault(RejectReasons.UnsupportedFormat, $"there is no reader for '{extension}'. Readers: {string.Join(' ', Extensions)}.");
            }

            var before = context.Documents.Count + context.Rejects.Count;
            read(context, path, bytes, depth);
            if (context.Documents.Count + context.Rejects.Count == before)
            {
                throw new ReaderFault(RejectReasons.EmptyFile, "there is no text in it.");
            }
        }
        catch (ReaderFault fault)
        {
            context.Reject(path, fault.Reason, fault.Message);
        }
        catch (OperationCanceledException)
        {
            // The caller looks at its own token.
        }
        catch (XmlException e)
        {
            context.Reject(path, RejectReasons.Unreadable, $"its XML is damaged or not allowed: {e.Message}");
        }
        catch (Exception e)
        {
            // Format libraries throw many types on damaged input; one bad file must never stop a run.
            context.Reject(path, RejectReasons.Unreadable, $"{e.GetType().Name}: {e.Message}");
        }
    }

    private static ReadResult Failed(string path, string reason, string detail, ReaderLimits limits)
    {
        var context = new ReadContext(limits, CancellationToken.None);
        context.Reject(path, reason, detail);
        return new ReadResult([], context.Rejects);
    }
}
