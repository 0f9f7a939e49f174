using System.Text.Json;
using Lauter.Training.Loop;

namespace Lauter.Training.Examples;

/// <summary>Reads JSON lines, a <see cref="TrainingRow"/> each.</summary>
internal static class ExampleFile
{
    public const string Train = "train";
    public const string Validation = "validation";
    public const string Test = "test";

    /// <summary>Every row of the splits that training may see.</summary>
    /// <exception cref="TrainingFailedException">A line is not a row, or rows have different forms; the message names it.</exception>
    public static IReadOnlyList<TrainingRow> Read(string path)
    {
        List<TrainingRow> rows = [];
        var number = 0;
        (RowKind Kind, int Line)? first = null;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            TrainingRow row;
            try
            {
                row = TrainingRow.Parse(line, number);
            }
            catch (JsonException e)
            {
                throw new TrainingFailedException($"{path}, line {number} is no row to train on: {e.Message}", e);
            }

            first ??= (row.Kind, number);
            if (row.Kind != first.Value.Kind)
            {
                throw new TrainingFailedException($"{path}, line {number} is a row of the form {row.Kind}, but line {first.Value.Line} is {first.Value.Kind}. A file holds rows of one form: split it, or mend the odd ones.");
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
