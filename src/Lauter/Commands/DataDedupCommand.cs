using System.CommandLine;
using Lauter.Data.Dedup;

namespace Lauter.Commands;

/// <summary><c>lauter data dedup</c>: a plain file of rows without its copies.</summary>
internal static class DataDedupCommand
{
    private static readonly Dictionary<string, DedupMethod> Methods = new(StringComparer.Ordinal)
    {
        ["minhash"] = DedupMethod.MinHash, ["exact"] = DedupMethod.Exact, ["simhash"] = DedupMethod.SimHash, ["semantic"] = DedupMethod.Semantic,
        ["sentence"] = DedupMethod.Sentence, ["paragraph"] = DedupMethod.Paragraph,
    };

    public static Command Create()
    {
        var input = new Argument<string>("input") { Description = "Rows: a .jsonl or .parquet file." };
        var output = new Option<string>("--out", "-o") { Description = "Folder for kept, dropped, rejects and report.json.", Required = true };
        var method = new Option<string>("--method") { Description = "minhash: near-copies, verified exactly. exact: equal after folding. simhash; semantic: by vectors in the rows. sentence, paragraph: cuts repeated passages out.", DefaultValueFactory = _ => "minhash" };
        method.AcceptOnlyFromAmong([.. Methods.Keys]);
        var fields = new Option<string>("--field") { Description = "Field that is compared, or several, separated by commas.", DefaultValueFactory = _ => "text" };
        var id = new Option<string>("--id") { Description = "Field with the row's name; without it rows are called by their line number.", DefaultValueFactory = _ => "id" };
        var keep = new Option<string>("--keep") { Description = "Who stays: longest, newest or best (both by --by), first.", DefaultValueFactory = _ => "longest" };
        keep.AcceptOnlyFromAmong("longest", "newest", "best", "first");
        var by = new Option<string?>("--by") { Description = "Field with a number or an ISO 8601 time: the greater one stays." };
        var threshold = new Option<double?>("--threshold") { Description = "Similarity from which a row is a copy, 0.5 to 1. Default: 0.7 (minhash), 0.92 (simhash), 0.95 (semantic)." };
        var bands = new Option<string>("--bands") { Description = "Bands x rows of MinHash, for example 14x8; at most 128 together. Candidates are verified, so more bands cost only time.", DefaultValueFactory = _ => "21x6" };
        var shingle = new Option<int>("--shingle") { Description = "Words, in Chinese characters, in a shingle, 1 to 32.", DefaultValueFactory = _ => 5 };
        var window = new Option<int>("--window") { Description = "Passages that must repeat together, 1 to 10 (sentence, paragraph).", DefaultValueFactory = _ => 1 };
        var vector = new Option<string>("--vector") { Description = "Field with the vector, an array of numbers (semantic).", DefaultValueFactory = _ => "vector" };
        var state = new Option<string?>("--state") { Description = "Folder that remembers earlier files: copies of their rows go too, and their texts are not read again (minhash, exact)." };
        var to = new Option<string?>("--to") { Description = "jsonl or parquet. Default: as the input." };
        to.AcceptOnlyFromAmong("jsonl", "parquet");
        var workers = new Option<int>("--workers") { Description = "Threads; the result is the same for any number.", DefaultValueFactory = _ => Environment.ProcessorCount };
        var format = Arguments.Format();
        var command = new Command("dedup", "Drop exact and near copies from a file of rows; English and Chinese, any size.")
        {
            input, output, method, fields, id, keep, by, threshold, bands, shingle, window, vector, state, to, workers, format,
        };
        command.SetAction((result, cancellation) =>
        {
            var request = new DedupRequest
            {
                Input = Arguments.ExistingFile(result.GetValue(input)!),
                Output = Path.GetFullPath(result.GetValue(output)!),
                Method = Methods[result.GetValue(method)!],
                Fields = result.GetValue(fields)!.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
                IdField = result.GetValue(id)!,
                Keep = Enum.Parse<KeepPolicy>(result.GetValue(keep)!, ignoreCase: true),
                RankField = result.GetValue(by),
                Threshold = InRange(result.GetValue(threshold), 0.5, 1, "--threshold"),
                Bands = BandsOf(result.GetValue(bands)!),
                ShingleSize = (int)InRange(result.GetValue(shingle), 1, 32, "--shingle")!.Value,
                Window = (int)InRange(result.GetValue(window), 1, 10, "--window")!.Value,
                VectorField = result.GetValue(vector)!,
                State = result.GetValue(state) is { } folder ? Path.GetFullPath(folder) : null,
                Parquet = result.GetValue(to) is { } kind ? kind == "parquet" : null,
                Workers = (int)InRange(result.GetValue(workers), 1, 1024, "--workers")!.Value,
            };
            if (request.Keep is KeepPolicy.Newest or KeepPolicy.Best && request.RankField is null)
            {
                throw new CommandException(ExitCodes.Usage, $"--keep {result.GetValue(keep)} needs --by FIELD: the field with the time or the score.");
            }

            return Task.FromResult(Run(request, result.GetValue(format) == "json", cancellation));
        });
        return command;
    }

    private static int Run(DedupRequest request, bool json, CancellationToken cancellation)
    {
        DedupReport report;
        try
        {
            report = DedupJob.Run(request, cancellation);
        }
        catch (InvalidDataException e)
        {
            throw new CommandException(ExitCodes.InputMissing, e.Message);
        }

        if (report.Rows == 0 && report.Rejected > 0)
        {
            throw new CommandException(ExitCodes.InputMissing, $"none of the {report.Rejected} lines of {request.Input} is a row with {(request.Method == DedupMethod.Semantic ? $"the fields {string.Join(", ", request.Fields)} and {request.VectorField}" : $"the field {string.Join(", ", request.Fields)}")}. Name it with --field{(request.Method == DedupMethod.Semantic ? " and --vector" : "")}.");
        }

        if (json)
        {
            Arguments.WriteJson(DedupJob.ToJson(report));
            return ExitCodes.Success;
        }

        var megabytes = report.InputBytes / 1e6;
        System.Console.WriteLine($"{report.Rows} rows in, {report.Kept} kept, {report.ExactCopies} exact and {report.NearCopies} near copies dropped, {report.Rejected} lines rejected.");
        if (report.Passages > 0)
        {
            System.Console.WriteLine($"{report.PassagesRemoved} of {report.Passages} passages cut out.");
        }
        else
        {
            System.Console.WriteLine($"{report.Clusters} clusters of copies, the largest of {report.LargestCluster}; {report.Verified} candidates compared exactly; pairs by similarity: {string.Join(", ", report.PairsBySimilarity.Select(p => $"{p.Key}+ {p.Value}"))}.");
        }

        if (report.Curve.Count > 0)
        {
            System.Console.WriteLine($"A pair becomes a candidate with probability {string.Join(", ", report.Curve.Select(c => $"{c.Key}: {c.Value:0.000}"))}.");
        }

        if (report.Superseded > 0)
        {
            System.Console.WriteLine($"{report.Superseded} rows of earlier versions copy a row of this one that is preferred: see superseded.jsonl.");
        }

        System.Console.WriteLine($"{megabytes:0.0} MB in {report.Elapsed.TotalSeconds:0.0} s ({megabytes / report.Elapsed.TotalSeconds:0} MB/s) → {request.Output}");
        return ExitCodes.Success;
    }

    private static double? InRange(double? value, double least, double most, string option) => value is null || (value >= least && value <= most)
        ? value
        : throw new CommandException(ExitCodes.Usage, $"{option} is {value:0.###}; it must be between {least:0.###} and {most:0.###}.");

    private static LshBands BandsOf(string text)
    {
        var parts = text.Split('x');
        return parts.Length == 2 && int.TryParse(parts[0], out var bands) && int.TryParse(parts[1], out var rows) && bands is >= 1 and <= 64 && rows is >= 1 and <= 16 && bands * rows <= MinHash.Length
            ? new LshBands(bands, rows)
            : throw new CommandException(ExitCodes.Usage, $"--bands is '{text}'; write BANDSxROWS, for example 21x6: 1 to 64 bands of 1 to 16 rows, at most {MinHash.Length} together.");
    }
}
