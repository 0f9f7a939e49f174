using System.CommandLine;
using Lauter.Evaluation.Runs;

namespace Lauter.Commands;

/// <summary>The options of every verb that asks an endpoint: how fast, how long, for how much money, with which key.</summary>
internal sealed class EndpointLimits
{
    private readonly Option<int> _parallel = new("--parallel") { Description = "Requests under way at once.", DefaultValueFactory = _ => 4 };
    private readonly Option<double?> _rate = new("--rate") { Description = "Most requests a second." };
    private readonly Option<double> _timeout = new("--timeout") { Description = "Seconds for one answer.", DefaultValueFactory = _ => 120 };
    private readonly Option<double?> _budget = new("--budget") { Description = "Most to spend on new answers; needs both prices." };
    private readonly Option<double?> _promptPrice = new("--price-in") { Description = "Price of a million prompt tokens." };
    private readonly Option<double?> _completionPrice = new("--price-out") { Description = "Price of a million completion tokens." };
    private readonly Option<string> _key = new("--key-env") { Description = "The environment variable that holds the key.", DefaultValueFactory = _ => "OPENAI_API_KEY" };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _parallel, _rate, _timeout, _budget, _promptPrice, _completionPrice, _key })
        {
            command.Add(option);
        }
    }

    /// <summary>The limits; the answer's length and the number of samples are the caller's.</summary>
    public EndpointRunOptions Options(ParseResult result)
    {
        if (!(result.GetValue(_parallel) is >= 1 and <= 1_024 && result.GetValue(_rate) is null or > 0))
        {
            throw new CommandException(ExitCodes.Usage, "--parallel must lie from 1 to 1,024, --rate above 0.");
        }

        if (result.GetValue(_budget) is not null && (result.GetValue(_promptPrice) is null || result.GetValue(_completionPrice) is null))
        {
            throw new CommandException(ExitCodes.Usage, "--budget needs --price-in and --price-out; without them nobody knows what is spent.");
        }

        return new EndpointRunOptions
        {
            Parallelism = result.GetValue(_parallel), RequestsPerSecond = result.GetValue(_rate), Budget = result.GetValue(_budget), PromptPrice = result.GetValue(_promptPrice), CompletionPrice = result.GetValue(_completionPrice),
        };
    }

    public HttpClient Client(ParseResult result) => result.GetValue(_timeout) is > 0 and <= 86_400 and var seconds
        ? new HttpClient { Timeout = TimeSpan.FromSeconds(seconds) } : throw new CommandException(ExitCodes.Usage, "--timeout must lie above 0 and be at most 86,400.");

    public string? Key(ParseResult result) => Environment.GetEnvironmentVariable(result.GetValue(_key)!);

    /// <summary>An http or https address.</summary>
    public static Uri Address(string text) => Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
        ? address! : throw new CommandException(ExitCodes.Usage, $"{text} is not an http address.");

    /// <summary>Counts on standard error, at most once for each hundredth.</summary>
    internal sealed class Counter : IProgress<(int Done, int Total)>
    {
        private int _shown = -1;

        public void Report((int Done, int Total) value)
        {
            var hundredth = value.Done * 100 / value.Total;
            if (Interlocked.Exchange(ref _shown, hundredth) != hundredth)
            {
                System.Console.Error.Write($"\r{value.Done} of {value.Total}{(value.Done == value.Total ? "\n" : "")}");
            }
        }
    }
}
