using System.Text.Json;
using System.Text.Json.Serialization;
using Lauter.Models.Templates;
using Lauter.Training.Loop;

namespace Lauter.Training.Examples;

/// <summary>One line of an examples file.</summary>
/// <param name="Id">Its name in the dataset.</param>
/// <param name="Split">train, validation or test.</param>
/// <param name="Messages">A conversation whose assistant turns are trained.</param>
internal sealed record ConversationRow(
    [property: JsonRequired] string Id, [property: JsonRequired] string Split, [property: JsonRequired] IReadOnlyList<ChatMessage> Messages);

/// <summary>Reads <c>{"id","split","messages":[{"role","content"}…]}</c>, a conversation a line.</summary>
internal static class ExampleFile
{
    public const string Train = "train";
    public const string Validation = "validation";
    public const string Test = "test";

    /// <summary>Every row of the splits that training may see.</summary>
    /// <exception cref="TrainingFailedException">A line is not a row; the message names it.</exception>
    public static IReadOnlyList<ConversationRow> Read(string path)
    {
        List<ConversationRow> rows = [];
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            ConversationRow row;
            try
            {
                row = JsonSerializer.Deserialize(line, ExampleJson.Default.ConversationRow)!;
            }
            catch (JsonException e)
            {
                throw new TrainingFailedException($"{path}, line {number} is not a conversation: {e.Message}", e);
            }

            switch (row.Split)
            {
                case Train or Validation:
                    rows.Add(row);
                    break;
                case Test:
                    break;
                default:
                    throw new TrainingFailedException($"{path}, line {number}: the split is '{row.Split}'; allowed are {Train}, {Validation} and {Test}.");
            }
        }

        return rows;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ConversationRow))]
internal sealed partial class ExampleJson : JsonSerializerContext;
