using System.CommandLine;
using System.Security.Cryptography;
using Lauter.Data.Redaction;

namespace Lauter.Commands;

/// <summary><c>lauter data redact</c>: a plain file of rows without its personal data.</summary>
internal static class DataRedactCommand
{
    private static readonly string[] Names = [.. PersonalData.AllKinds.Concat(PersonalData.ContextKinds).Select(PersonalData.NameOf)];

    public static Command Create()
    {
        var input = new Argument<string>("input") { Description = "Rows: a .jsonl or .parquet file." };
        var output = new Option<string>("--out", "-o") { Description = "Folder for redacted rows, findings, rejects and report.json.", Required = true };
        var fields = new Option<string?>("--field") { Description = "Fields that are searched, separated by commas. Default: every string of a row but its id." };
        var id = new Option<string>("--id") { Description = "Field with the row's name; it is not searched.", DefaultValueFactory = _ => "id" };
        var kinds = new Option<string?>("--kinds") { Description = $"What is looked for, separated by commas: {string.Join(", ", Names)}. Default: all." };
        var action = new Option<string>("--action") { Description = "type: [PHONE]. mask: *******5678. pseudonym: the same name for the same value. hash: keyed hash. keep: only report.", DefaultValueFactory = _ => "type" };
        action.AcceptOnlyFromAmong("type", "mask", "pseudonym", "hash", "keep");
        var except = new Option<string[]>("--set") { Description = "KIND=ACTION, another action for one kind; may be repeated." };
        var patterns = new Option<string[]>("--pattern") { Description = "NAME=REGEX, your own pattern, in linear time (no look-around, no back-references); may be repeated." };
        var milliseconds = new Option<int>("--pattern-ms") { Description = "Most time of one pattern on one text, 1 to 10000.", DefaultValueFactory = _ => 200 };
        var keyFile = new Option<string?>("--key-file") { Description = "File with the secret for pseudonyms, hashes and the vault, at least 16 bytes." };
        var vault = new Option<string?>("--vault") { Description = "Encrypted file that can turn pseudonyms and hashes back (lauter data reveal)." };
        var to = new Option<string?>("--to") { Description = "jsonl or parquet. Default: as the input." };
        to.AcceptOnlyFromAmong("jsonl", "parquet");
        var workers = new Option<int>("--workers") { Description = "Threads; the result is the same for any number.", DefaultValueFactory = _ => Environment.ProcessorCount };
        var format = Arguments.Format();
        var command = new Command("redact", "Find personal data (English, Chinese; half and full width) and mask, replace, hash or keep it.")
        {
            input, output, fields, id, kinds, action, except, patterns, milliseconds, keyFile, vault, to, workers, format,
        };
        command.SetAction((result, cancellation) =>
        {
            var key = result.GetValue(keyFile) is { } file ? KeyOf(file) : [];
            var policy = new RedactionPolicy
            {
                Kinds = (result.GetValue(kinds) is { } list ? Split(list) : Names).Select(KindOf).ToHashSet(),
                Default = ActionOf(result.GetValue(action)!),
                Actions = (result.GetValue(except) ?? []).Select(s => Pair(s, "--set")).ToDictionary(s => KindOf(s.Name), s => ActionOf(s.Value)),
                Patterns = [.. (result.GetValue(patterns) ?? []).Select(s => Pair(s, "--pattern")).Select(s => new CustomPattern(s.Name, s.Value))],
                PatternTimeout = TimeSpan.FromMilliseconds(Math.Clamp(result.GetValue(milliseconds), 1, 10_000)),
                Key = key,
            };
            var request = new RedactionRequest
            {
                Input = Arguments.ExistingFile(result.GetValue(input)!),
                Output = Path.GetFullPath(result.GetValue(output)!),
                Policy = policy,
                Fields = result.GetValue(fields) is { } names ? Split(names) : [],
                IdField = result.GetValue(id)!,
                Vault = result.GetValue(vault) is { } path ? OpenVault(path, key) : null,
                Parquet = result.GetValue(to) is { } kind ? kind == "parquet" : null,
                Workers = Math.Max(1, result.GetValue(workers)),
            };
            return Task.FromResult(Run(request, result.GetValue(format) == "json", cancellation));
        });
        return command;
    }

    /// <summary><c>lauter data reveal</c>: asks a vault; the question is logged before it is answered.</summary>
    public static Command CreateReveal()
    {
        var vault = new Argument<string>("vault") { Description = "The encrypted file that 'lauter data redact --vault' wrote." };
        var token = new Argument<string?>("token") { Description = "The pseudonym or hash, as it stands in the text. Without it the access log is shown.", Arity = ArgumentArity.ZeroOrOne };
        var keyFile = new Option<string?>("--key-file") { Description = "File with the secret." };
        var reason = new Option<string?>("--reason") { Description = "Why; it goes to the access log." };
        var command = new Command("reveal", "Turn a pseudonym back; every question goes to the vault's access log first.") { vault, token, keyFile, reason };
        command.SetAction(result =>
        {
            var path = Arguments.ExistingFile(result.GetValue(vault)!);
            if (result.GetValue(token) is not { } asked)
            {
                var (accesses, intact) = Vault.Accesses(path);
                foreach (var access in accesses)
                {
                    System.Console.WriteLine($"{access.Time:u}  {access.Who}  {access.Token}  {(access.Found ? "answered" : "unknown")}  {access.Why}");
                }

                System.Console.WriteLine($"{accesses.Count} accesses, the log is {(intact ? "intact" : "NOT intact: lines were changed or taken out")}.");
                return intact ? ExitCodes.Success : ExitCodes.VerificationFailed;
            }

            if (string.IsNullOrWhiteSpace(result.GetValue(reason)))
            {
                throw new CommandException(ExitCodes.Usage, "--reason is missing: say why, it goes to the access log.");
            }

            var value = OpenVault(path, KeyOf(result.GetValue(keyFile) ?? throw new CommandException(ExitCodes.Usage, "--key-file is missing: the vault opens only with its key.")))
                .Reveal(asked, Environment.UserName, result.GetValue(reason)!, TimeProvider.System);
            System.Console.WriteLine(value ?? throw new CommandException(ExitCodes.InputMissing, $"the vault does not know '{asked}'. Give it as it stands in the text, brackets included."));
            return ExitCodes.Success;
        });
        return command;
    }

    private static int Run(RedactionRequest request, bool json, CancellationToken cancellation)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        RedactionReport report;
        try
        {
            report = RedactionJob.Run(request, cancellation);
        }
        catch (InvalidDataException e)
        {
            throw new CommandException(ExitCodes.InputMissing, e.Message);
        }
        catch (ArgumentException e)
        {
            throw new CommandException(ExitCodes.Usage, e.Message);
        }

        if (json)
        {
            Arguments.WriteJson(RedactionJob.ToJson(report));
            return ExitCodes.Success;
        }

        System.Console.WriteLine($"{report.Rows} rows, {report.RowsChanged} changed, {report.Rejected} lines rejected.");
        foreach (var (type, found) in report.Types)
        {
            System.Console.WriteLine($"{type,-18} {found.Found,7} in {found.Rows} rows, {found.Action.ToString().ToLowerInvariant()}; for example {found.Samples[0]}");
        }

        foreach (var (pattern, texts) in report.TimedOut)
        {
            System.Console.WriteLine($"The pattern {pattern} ran out of time on {texts} texts, which were not searched to their end.");
        }

        var megabytes = new FileInfo(request.Input).Length / 1e6;
        System.Console.WriteLine($"{megabytes:0.0} MB in {clock.Elapsed.TotalSeconds:0.0} s ({megabytes / clock.Elapsed.TotalSeconds:0} MB/s) → {request.Output}");
        return ExitCodes.Success;
    }

    private static string[] Split(string list) => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static (string Name, string Value) Pair(string text, string option) => text.IndexOf('=', StringComparison.Ordinal) is > 0 and var at
        ? (text[..at], text[(at + 1)..])
        : throw new CommandException(ExitCodes.Usage, $"{option} is '{text}'; write NAME=VALUE.");

    private static PersonalDataKind KindOf(string name) => Array.IndexOf(Names, name) is >= 0 and var at
        ? PersonalData.AllKinds.Concat(PersonalData.ContextKinds).ElementAt(at)
        : throw new CommandException(ExitCodes.Usage, $"there is no kind '{name}'. {Catalog.Projects.NearestName.Suggest(name, Names)} Kinds are {string.Join(", ", Names)}.");

    private static RedactionAction ActionOf(string name) => Enum.TryParse<RedactionAction>(name, ignoreCase: true, out var action) && !char.IsAsciiDigit(name[0])
        ? action
        : throw new CommandException(ExitCodes.Usage, $"there is no action '{name}': type, mask, pseudonym, hash and keep are known.");

    private static byte[] KeyOf(string file) => System.Text.Encoding.UTF8.GetBytes(File.ReadAllText(Arguments.ExistingFile(file)).Trim());

    private static Vault OpenVault(string path, byte[] key)
    {
        try
        {
            return Vault.Open(Path.GetFullPath(path), key);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new CommandException(ExitCodes.Usage, $"{e.Message} Name the key with --key-file; a new one can be made with 'openssl rand -hex 32 > key'.");
        }
    }
}
