using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Lauter.Models.Hub;

/// <summary>
/// Fetches one file: into NAME.part, going on where an earlier attempt ended, hashed while it comes, renamed when size and hash are as announced. A partial file of another
/// version of the content is thrown away (If-Range).
/// </summary>
internal sealed class HubDownload(HubTransport transport, IReadOnlyList<Uri> addresses, HubFile file, string target, HubOptions options)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private string Part => target + HubFolder.PartSuffix;

    private string TagFile => target + HubFolder.TagSuffix;

    /// <summary>The hash of the complete file.</summary>
    public async Task<string> RunAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        var (failures, damaged, pause) = (0, 0, options.Pause);
        for (var attempt = 0; ; attempt++)
        {
            var address = addresses[attempt % addresses.Count];
            var before = Length();
            try
            {
                await FetchAsync(address, cancellationToken);
                return await FinishAsync(address, cancellationToken);
            }
            catch (HubException exception) when (exception.Fault == HubFault.Damaged && ++damaged <= addresses.Count)
            {
                // Once more from the start and from each mirror: a proxy may have answered for the hub.
                Discard();
            }
            catch (HubException exception) when (exception.Fault is HubFault.NotFound or HubFault.Refused && attempt + 1 < addresses.Count)
            {
                // A mirror need not have every file; the next one is asked.
            }
            catch (Exception exception) when (IsPassing(exception, cancellationToken))
            {
                var progressed = Length() > before;
                (failures, pause) = progressed ? (0, options.Pause) : (failures + 1, pause);
                if (failures > options.Retries)
                {
                    throw new HubException(HubFault.Unreachable, $"{address}: {exception.Message} Tried {failures} times without progress; {Length()} of {file.Size} bytes are kept, so the same command goes on from there.", exception);
                }

                await Task.Delay(pause, options.Time, cancellationToken);
                pause = progressed ? options.Pause : TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, pause.Ticks * 2));
            }
        }
    }

    /// <summary>The hash of a file that is there, if it is what the hub announces.</summary>
    public static async Task<string?> MatchAsync(string path, HubFile file, CancellationToken cancellationToken)
    {
        if (!File.Exists(path) || new FileInfo(path).Length != file.Size)
        {
            return null;
        }

        var (sha256, blob) = await HashAsync(path, file.Size, cancellationToken);
        return (file.Sha256 is null || file.Sha256 == sha256) && (file.GitBlob is null || file.GitBlob == blob) ? sha256 : null;
    }

    private static async Task<(string Sha256, string Blob)> HashAsync(string path, long size, CancellationToken cancellationToken)
    {
        using var sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
#pragma warning disable CA5350 // git's own object hash, compared with what the hub lists; SHA-256 is used wherever the hub has it.
        using var blob = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
#pragma warning restore CA5350
        blob.AppendData(Encoding.ASCII.GetBytes($"blob {size}\0"));
        await using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.Asynchronous | FileOptions.SequentialScan);
        var buffer = new byte[1 << 20];
        for (int read; (read = await stream.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            sha256.AppendData(buffer, 0, read);
            blob.AppendData(buffer, 0, read);
        }

        return (Convert.ToHexStringLower(sha256.GetHashAndReset()), Convert.ToHexStringLower(blob.GetHashAndReset()));
    }

    private async Task FetchAsync(Uri address, CancellationToken cancellationToken)
    {
        var have = Length();
        if (have == file.Size)
        {
            return;
        }

        if (have > file.Size)
        {
            Discard();
            have = 0;
        }

        using var stall = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stall.CancelAfter(options.Stall);
        using var response = await transport.SendAsync(address, have > 0 ? (have, File.Exists(TagFile) ? await File.ReadAllTextAsync(TagFile, cancellationToken) : null) : null, stall.Token);
        var goesOn = response.StatusCode == HttpStatusCode.PartialContent && response.Content.Headers.ContentRange is { From: { } from } && from == have;
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable || (response.StatusCode == HttpStatusCode.PartialContent && !goesOn))
        {
            Discard();
            throw new HttpRequestException($"the hub cannot go on at byte {have}.");
        }

        if (response.Headers.ETag is { IsWeak: false } tag)
        {
            await File.WriteAllTextAsync(TagFile, tag.ToString(), cancellationToken);
        }

        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        await using var part = new FileStream(Part, goesOn ? FileMode.Append : FileMode.Create, FileAccess.Write, FileShare.Read, 1, FileOptions.Asynchronous);
        var (total, buffer) = (goesOn ? have : 0, new byte[1 << 17]);
        while (true)
        {
            stall.CancelAfter(options.Stall);
            var read = await body.ReadAsync(buffer, stall.Token);
            if (read == 0)
            {
                break;
            }

            if ((total += read) > file.Size)
            {
                throw new HubException(HubFault.Damaged, $"{address}: more than the announced {file.Size} bytes came.");
            }

            await part.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            options.Progress?.Invoke(file.Path, total, file.Size);
        }

        await part.FlushAsync(cancellationToken);
        part.Flush(flushToDisk: true);
        if (total < file.Size)
        {
            throw new HttpRequestException($"the connection ended after {total} of {file.Size} bytes.");
        }
    }

    private async Task<string> FinishAsync(Uri address, CancellationToken cancellationToken)
    {
        // An empty file may never have been opened.
        if (file.Size == 0 && !File.Exists(Part))
        {
            await File.WriteAllBytesAsync(Part, [], cancellationToken);
        }

        var (sha256, blob) = await HashAsync(Part, file.Size, cancellationToken);
        if ((file.Sha256 is not null && file.Sha256 != sha256) || (file.GitBlob is not null && file.GitBlob != blob))
        {
            Discard();
            throw new HubException(HubFault.Damaged, $"{address}: the content has the hash {(file.Sha256 is not null ? sha256 : blob)}, but the hub announces {file.Sha256 ?? file.GitBlob}; it was thrown away.");
        }

        File.Move(Part, target, overwrite: true);
        File.Delete(TagFile);
        return sha256;
    }

    private long Length() => File.Exists(Part) ? new FileInfo(Part).Length : 0;

    private void Discard()
    {
        File.Delete(Part);
        File.Delete(TagFile);
    }

    /// <summary>Cut connections, stalls, overload: worth another attempt. A full disk and the caller's own stop are not.</summary>
    private static bool IsPassing(Exception exception, CancellationToken cancellationToken) => !cancellationToken.IsCancellationRequested && exception switch
    {
        HubException => false,
        OperationCanceledException => true,
        HttpRequestException { StatusCode: null or HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError } => true,
        HttpIOException => true,
        IOException { InnerException: System.Net.Sockets.SocketException } => true,
        _ => false,
    };
}
