using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Lauter.Catalog.Objects;

namespace Lauter.Data.Redaction;

/// <summary>One access to a vault.</summary>
/// <param name="Time">When, UTC.</param>
/// <param name="Who">Who asked.</param>
/// <param name="Why">The reason given.</param>
/// <param name="Token">What was asked for; never what was answered.</param>
/// <param name="Found">Whether the vault knows it.</param>
/// <param name="Previous">Hash of the line before, so that a line that is taken out or changed is noticed.</param>
public sealed record VaultAccess(DateTimeOffset Time, string Who, string Why, string Token, bool Found, string Previous);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SortedDictionary<string, string>))]
[JsonSerializable(typeof(VaultAccess))]
internal sealed partial class VaultJson : JsonSerializerContext;

/// <summary>
/// The way back from pseudonyms and hashes to what stood in the text: an AES-256-GCM file under a key that lies elsewhere. Every question is written
/// to <c>VAULT.access.jsonl</c>, hash-chained, before it is answered. Not thread-safe.
/// </summary>
public sealed class Vault
{
    private const int KeyBytes = 32;
    private static readonly byte[] Magic = "LAUTERV1"u8.ToArray();

    private readonly string _path;
    private readonly byte[] _key;
    private readonly SortedDictionary<string, string> _values;

    private Vault(string path, byte[] key, SortedDictionary<string, string> values) => (_path, _key, _values) = (path, key, values);

    /// <summary>Replacements it can turn back.</summary>
    public int Count => _values.Count;

    /// <summary>Opens a vault, or begins one that is not there yet.</summary>
    /// <param name="path">The file.</param>
    /// <param name="secret">At least 16 bytes; the key is derived from it (HKDF-SHA-256).</param>
    /// <exception cref="CryptographicException">Another key, or the file was changed.</exception>
    public static Vault Open(string path, ReadOnlySpan<byte> secret)
    {
        if (secret.Length < Redactor.LeastKeyBytes)
        {
            throw new ArgumentException($"The vault's key has {secret.Length} bytes; at least {Redactor.LeastKeyBytes} are needed.");
        }

        var key = new byte[KeyBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, key, salt: Magic, info: "vault"u8);
        return new Vault(path, key, File.Exists(path) ? Decrypt(File.ReadAllBytes(path), key, path) : new SortedDictionary<string, string>(StringComparer.Ordinal));
    }

    /// <summary>Remembers what a replacement stood for. Values that fold to the same pseudonym keep the form that came first.</summary>
    /// <exception cref="InvalidOperationException">The replacement already stands for another value: two values share a pseudonym.</exception>
    public void Add(string replacement, string value)
    {
        if (!_values.TryAdd(replacement, value) && Redactor.Canonical(_values[replacement]) != Redactor.Canonical(value))
        {
            throw new InvalidOperationException($"The replacement {replacement} already stands for another value: the vault could not turn it back. Use the action 'hash', whose names are longer.");
        }
    }

    /// <summary>Writes the file, encrypted with a fresh nonce, as a whole.</summary>
    public void Save()
    {
        var plain = JsonSerializer.SerializeToUtf8Bytes(_values, VaultJson.Default.SortedDictionaryStringString);
        var file = new byte[Magic.Length + AesGcm.NonceByteSizes.MaxSize + AesGcm.TagByteSizes.MaxSize + plain.Length];
        Magic.CopyTo(file, 0);
        var (nonce, tag, cipher) = Parts(file);
        RandomNumberGenerator.Fill(file.AsSpan(nonce));
        using var aes = new AesGcm(_key, AesGcm.TagByteSizes.MaxSize);
        aes.Encrypt(file.AsSpan(nonce), plain, file.AsSpan(cipher), file.AsSpan(tag), Magic);
        CryptographicOperations.ZeroMemory(plain);
        AtomicFile.WriteAllBytes(_path, file);
    }

    /// <summary>What <paramref name="token"/> stood for, or null. The question is on disk before the answer is given.</summary>
    /// <param name="token">A replacement, as it stands in the redacted text.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="why">For what; must not be blank.</param>
    /// <param name="time">The clock.</param>
    public string? Reveal(string token, string who, string why, TimeProvider time)
    {
        if (string.IsNullOrWhiteSpace(why))
        {
            throw new ArgumentException("A reason is needed to open the vault: it goes to the access log.");
        }

        var value = _values.GetValueOrDefault(token);
        var lines = AccessLines(_path);
        var access = new VaultAccess(time.GetUtcNow(), who, why, token, value is not null, lines.Count == 0 ? "" : HashOf(lines[^1]));
        using (var log = new FileStream(LogPath(_path), FileMode.Append, FileAccess.Write, FileShare.None))
        {
            log.Write([.. JsonSerializer.SerializeToUtf8Bytes(access, VaultJson.Default.VaultAccess), (byte)'\n']);
            log.Flush(flushToDisk: true);
        }

        return value;
    }

    /// <summary>The accesses so far, oldest first, and whether the chain of hashes is whole.</summary>
    public static (IReadOnlyList<VaultAccess> Accesses, bool Intact) Accesses(string path)
    {
        var (accesses, intact, previous) = (new List<VaultAccess>(), true, "");
        foreach (var line in AccessLines(path))
        {
            var access = JsonSerializer.Deserialize(line, VaultJson.Default.VaultAccess)!;
            intact &= access.Previous == previous;
            previous = HashOf(line);
            accesses.Add(access);
        }

        return (accesses, intact);
    }

    private static SortedDictionary<string, string> Decrypt(byte[] file, byte[] key, string path)
    {
        var (nonce, tag, cipher) = Parts(file);
        if (file.Length < Magic.Length + AesGcm.NonceByteSizes.MaxSize + AesGcm.TagByteSizes.MaxSize || !file.AsSpan().StartsWith(Magic))
        {
            throw new CryptographicException($"{path} is no vault.");
        }

        var plain = new byte[file.Length - cipher.Start.Value];
        using var aes = new AesGcm(key, AesGcm.TagByteSizes.MaxSize);
        try
        {
            aes.Decrypt(file.AsSpan(nonce), file.AsSpan(cipher), file.AsSpan(tag), plain, Magic);
        }
        catch (AuthenticationTagMismatchException e)
        {
            throw new CryptographicException($"{path} does not open with this key, or it was changed.", e);
        }

        return new SortedDictionary<string, string>(JsonSerializer.Deserialize(plain, VaultJson.Default.SortedDictionaryStringString)!, StringComparer.Ordinal);
    }

    private static (Range Nonce, Range Tag, Range Cipher) Parts(byte[] file)
    {
        var nonce = Magic.Length;
        var tag = nonce + AesGcm.NonceByteSizes.MaxSize;
        var cipher = Math.Min(file.Length, tag + AesGcm.TagByteSizes.MaxSize);
        return (nonce..Math.Min(file.Length, tag), Math.Min(file.Length, tag)..cipher, cipher..file.Length);
    }

    private static List<string> AccessLines(string path) => File.Exists(LogPath(path)) ? [.. File.ReadLines(LogPath(path), Encoding.UTF8)] : [];

    private static string LogPath(string path) => path + ".access.jsonl";

    private static string HashOf(string line) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(line)));
}
