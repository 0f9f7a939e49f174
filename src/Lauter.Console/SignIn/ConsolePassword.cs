using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Lauter.Catalog.Objects;

namespace Lauter.Console.SignIn;

/// <summary>What <c>console.json</c> holds: never the password, only its PBKDF2 hash.</summary>
internal sealed record StoredPassword(int Format, string Algorithm, int Iterations, string Salt, string Hash, DateTimeOffset Created);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(StoredPassword))]
internal sealed partial class StoredPasswordJson : JsonSerializerContext;

/// <summary>
/// The console's password: made at random on first use and shown once by the program; kept as PBKDF2-HMAC-SHA-256 with 600,000
/// rounds (OWASP's figure of 2023). Deleting the file makes a new password at the next start.
/// </summary>
public sealed class ConsolePassword
{
    /// <summary>Name of the file in the project's state directory.</summary>
    public const string FileName = "console.json";

    private const int Format = 1;
    private const int Rounds = 600_000;
    private const string AlgorithmName = "pbkdf2-sha256";

    /// <summary>No look-alikes (0 O, 1 l I), so that it can be read from a screen.</summary>
    private const string Alphabet = "abcdefghjkmnpqrstuvwxyz23456789";

    private readonly StoredPassword _stored;

    private ConsolePassword(StoredPassword stored) => _stored = stored;

    /// <summary>Reads the password file, or makes it together with a new password.</summary>
    /// <param name="stateDirectory">The project's <c>.lauter</c>.</param>
    /// <param name="time">The clock.</param>
    /// <param name="created">The new password for the program to print once; null when the file was there already.</param>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static ConsolePassword OpenOrCreate(string stateDirectory, TimeProvider time, out string? created)
    {
        var path = Path.Combine(stateDirectory, FileName);
        if (File.Exists(path))
        {
            created = null;
            return new ConsolePassword(Read(path));
        }

        created = string.Join('-', Enumerable.Range(0, 4).Select(_ => RandomNumberGenerator.GetString(Alphabet, 5)));
        var salt = RandomNumberGenerator.GetBytes(16);
        var stored = new StoredPassword(
            Format, AlgorithmName, Rounds, Convert.ToBase64String(salt), Convert.ToBase64String(Derive(created, salt, Rounds)), time.GetUtcNow());
        AtomicFile.WriteJson(path, stored, StoredPasswordJson.Default.StoredPassword);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        return new ConsolePassword(stored);
    }

    /// <summary>Whether <paramref name="password"/> is the right one; takes the same time either way (about 0.2 s).</summary>
    public bool Matches(string password) =>
        CryptographicOperations.FixedTimeEquals(
            Derive(password, Convert.FromBase64String(_stored.Salt), _stored.Iterations), Convert.FromBase64String(_stored.Hash));

    /// <summary>Changes with every new password: a cookie of an older one is refused.</summary>
    internal string Stamp => _stored.Hash[..12];

    private static StoredPassword Read(string path)
    {
        StoredPassword? stored;
        try
        {
            stored = JsonSerializer.Deserialize(File.ReadAllBytes(path), StoredPasswordJson.Default.StoredPassword);
        }
        catch (JsonException fault)
        {
            throw new InvalidDataException($"{path} is damaged: {fault.Message} Delete it to get a new password at the next start.", fault);
        }

        if (stored is not { Format: Format, Algorithm: AlgorithmName, Iterations: >= 100_000 and <= 10_000_000 }
            || !IsBase64(stored.Salt, 16) || !IsBase64(stored.Hash, 32))
        {
            throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"{path} is not a password file of format {Format}. Delete it to get a new password at the next start."));
        }

        return stored;
    }

    private static bool IsBase64(string? text, int length)
    {
        Span<byte> bytes = stackalloc byte[64];
        return text is { Length: < 80 } && Convert.TryFromBase64String(text, bytes, out var written) && written == length;
    }

    // Passwords longer than the form allows would only cost the server time.
    private static byte[] Derive(string password, byte[] salt, int rounds) =>
        Rfc2898DeriveBytes.Pbkdf2(password.Length > 200 ? password[..200] : password, salt, rounds, HashAlgorithmName.SHA256, 32);
}
