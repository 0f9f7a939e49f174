using Lauter.Catalog.Objects;
using Lauter.Data.Rows;
using Lauter.Data.Text;

namespace Lauter.Data.Operators.Perplexity;

/// <summary>
/// Learns the character model of <c>drop_perplexity</c> from clean rows: rows from several places of the inputs that the operators before it keep, up to a
/// bound for each language. One thread in the order of the rows: the same inputs and operators give the same model, byte for byte.
/// </summary>
public static class PerplexityTraining
{
    /// <summary>Characters of each language: more makes the model larger than a processor's cache and hardly better.</summary>
    private const int MostCharacters = 2_000_000;

    private const int Places = 16;
    private const string Operator = "drop_perplexity";

    /// <summary>Learns from files of rows and writes the model.</summary>
    /// <param name="recipe">Operators that say what is clean, or null: every row is.</param>
    /// <param name="inputs">Files of rows.</param>
    /// <param name="file">Where the model goes.</param>
    /// <param name="textField">Member with the text.</param>
    /// <param name="idField">Member with the id.</param>
    /// <param name="cancellation">Stops between rows.</param>
    /// <returns>Characters that were learned, by language, and the model's hash.</returns>
    public static async Task<(IReadOnlyDictionary<string, long> Characters, string Sha256)> LearnAsync(Recipe? recipe, IReadOnlyList<SourceFile> inputs, string file, string textField = "text", string idField = "id", CancellationToken cancellation = default)
    {
        var (model, characters) = await LearnAsync(recipe ?? new Recipe("all", []), inputs, textField, idField, cancellation);
        AtomicFile.WriteAllBytes(file, model.Bytes);
        return (characters, model.Key);
    }

    internal static Task<Recipe> LearnMissingAsync(RowRunOptions options, CancellationToken cancellation) =>
        LearnMissingAsync(options.Recipe, options.Inputs, options.TextField, options.IdField, Path.Combine(options.OutputDirectory, ".lauter"), cancellation);

    /// <summary>The recipe, its perplexity operator pointing to a model that was learned for it when it names none.</summary>
    internal static async Task<Recipe> LearnMissingAsync(Recipe recipe, IReadOnlyList<SourceFile> inputs, string textField, string idField, string directory, CancellationToken cancellation)
    {
        var at = recipe.Operators.ToList().FindIndex(o => o.Spec.Name == Operator);
        if (at < 0 || recipe.Operators[at].File("model") is not null)
        {
            return recipe;
        }

        // Only what looks at a text alone says whether it is clean; samples and chunks would only make the model another one.
        var before = new Recipe(recipe.Name, [.. recipe.Operators.Take(at).Where(o => o.Spec.Kind is OperatorKind.Edit or OperatorKind.Drop)]);
        var (model, _) = await LearnAsync(before, inputs, textField, idField, cancellation);
        Directory.CreateDirectory(directory);
        var file = Path.Combine(directory, $"perplexity-{model.Key[..16]}.ltcm");
        AtomicFile.WriteAllBytes(file, model.Bytes);
        var call = recipe.Operators[at];
        var arguments = call.Arguments.DeepClone().AsObject();
        arguments["model"] = model.Key;
        var learned = call with { Arguments = arguments, FileNames = new Dictionary<string, IReadOnlyList<string>>(call.FileNames, StringComparer.Ordinal) { ["model"] = [file] } };
        return new Recipe(recipe.Name, [.. recipe.Operators.Select((o, i) => i == at ? learned : o)]);
    }

    private static async Task<(CharacterModel Model, SortedDictionary<string, long> Characters)> LearnAsync(Recipe clean, IReadOnlyList<SourceFile> inputs, string textField, string idField, CancellationToken cancellation)
    {
        var shards = await ShardPlanner.PlanAsync(inputs, cancellation);
        var places = Math.Min(Places, shards.Count);
        var program = new RowProgram(clean, textField, idField);
        var texts = new List<(string, string)>();
        var characters = new SortedDictionary<string, long>(StringComparer.Ordinal);
        for (var p = 0; p < places; p++)
        {
            var shard = await ShardReader.ReadAsync(shards[(int)((long)p * shards.Count / places)], textField, cancellation);
            var limit = (long)MostCharacters * (p + 1) / places;
            foreach (var place in shard.Lines)
            {
                cancellation.ThrowIfCancellationRequested();
                var line = shard.Bytes.AsMemory(place.Start, place.Length);
                RowOutcome outcome;
                try
                {
                    outcome = program.Run(line.Span, () => "", null);
                }
                catch (RowFault)
                {
                    continue;
                }

                if (outcome.Verdict is null && outcome.Language != LanguageDetector.Undetermined && characters.GetValueOrDefault(outcome.Language) < limit)
                {
                    var text = outcome.Text ?? program.OriginalText(line.Span, outcome);
                    texts.Add((text, outcome.Language));
                    characters[outcome.Language] = characters.GetValueOrDefault(outcome.Language) + text.Length;
                }
                else if (characters.Count >= 2 && characters.Values.All(c => c >= limit))
                {
                    break;
                }
            }
        }

        return (CharacterModel.Learn(texts), characters);
    }
}
