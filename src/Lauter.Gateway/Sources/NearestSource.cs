using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Lauter.Gateway.Applications;

namespace Lauter.Gateway.Sources;

/// <summary>The labelled example nearest to a text.</summary>
/// <param name="ExampleId">Its id in the dataset.</param>
/// <param name="Output">Its labels, a JSON object as text: the answer.</param>
/// <param name="Score">Similarity; higher is nearer.</param>
public sealed record NearestExample(string ExampleId, string Output, double Score);

/// <summary>Finds the nearest labelled example, or null when there is none.</summary>
public delegate NearestExample? NearestLookup(string text);

/// <summary>Answers with the labels of the nearest labelled example: costs almost nothing, and is the baseline of every other candidate.</summary>
/// <param name="lookup">The examples.</param>
/// <param name="textField">The input field that is compared; null = the user's message.</param>
public sealed class NearestSource(NearestLookup lookup, string? textField = null) : IAnswerSource
{
    /// <inheritdoc/>
    public async IAsyncEnumerable<AnswerPart> AnswerAsync(AnswerRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        cancellationToken.ThrowIfCancellationRequested();
        var text = textField is not null && request.Input?[textField] is JsonValue value ? value.ToString() : request.Text;
        var nearest = lookup(text) ?? throw new AnswerException("no_example", "There is no labelled example to compare with.");
        yield return new AnswerText(nearest.Output);
        yield return new AnswerEnd("stop", []);
    }
}
