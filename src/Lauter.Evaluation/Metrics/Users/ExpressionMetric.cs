using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using DynamicExpresso;
using DynamicExpresso.Exceptions;

namespace Lauter.Evaluation.Metrics.Users;

/// <summary>
/// A metric of one's own as a C# expression over one row, for example <c>prediction.Contains(reference) &amp;&amp; words(prediction) &lt; 50</c>. The result is a truth
/// value or a number from 0 to 1. Known are <c>id</c>, <c>prediction</c>, <c>reference</c>, <c>references</c>, <c>language</c>, <c>cluster</c>, the functions <c>words(text)</c>,
/// <c>matches(text, pattern)</c> and <c>field("a.b")</c> (a member of the answer as text, empty where there is none), <c>Math</c>, and the members of strings; nothing
/// else, so that an expression reads neither files nor networks and always ends.
/// </summary>
/// <remarks>An expression that throws, or whose result lies outside 0 to 1, leaves its row unusable, with the worst score: never a pass.</remarks>
public sealed class ExpressionMetric : IMetric
{
    private static readonly TimeSpan PatternTime = TimeSpan.FromMilliseconds(200);
    private readonly Func<string, string, string, string[], string, string, Func<string, string>, object> _score;

    private ExpressionMetric(string name, string expression, Func<string, string, string, string[], string, string, Func<string, string>, object> score)
    {
        Name = name;
        _score = score;
        Signature = $"expression|sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(expression)))[..16]}|v:1";
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>The hash of the expression: another wording is another metric.</summary>
    public string Signature { get; }

    /// <summary>Compiles an expression.</summary>
    /// <param name="name">The metric's name.</param>
    /// <param name="expression">C#.</param>
    /// <exception cref="FormatException">It does not compile, or its result is neither a truth value nor a number.</exception>
    public static ExpressionMetric Parse(string name, string expression)
    {
        var interpreter = new Interpreter(InterpreterOptions.PrimitiveTypes | InterpreterOptions.SystemKeywords)
            .Reference(typeof(Math)).Reference(typeof(StringComparison))
            .SetFunction("words", (Func<string, int>)(text => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length))
            .SetFunction("matches", (Func<string, string, bool>)((text, pattern) => Regex.IsMatch(text, pattern, RegexOptions.CultureInvariant, PatternTime)));
        try
        {
            var lambda = interpreter.Parse(
                expression, typeof(object), new Parameter("id", typeof(string)), new Parameter("prediction", typeof(string)), new Parameter("reference", typeof(string)),
                new Parameter("references", typeof(string[])), new Parameter("language", typeof(string)), new Parameter("cluster", typeof(string)), new Parameter("field", typeof(Func<string, string>)));
            return new ExpressionMetric(name, expression, lambda.Compile<Func<string, string, string, string[], string, string, Func<string, string>, object>>());
        }
        catch (Exception e) when (e is DynamicExpressoException or ArgumentException or InvalidOperationException)
        {
            throw new FormatException($"The metric '{name}' does not compile: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public MetricTable Measure(IReadOnlyList<MetricRow> rows) => new ItemMetric(Name, Signature, Score).Measure(rows);

    private double? Score(MetricRow row)
    {
        if (row.Prediction is null)
        {
            return null;
        }

        try
        {
            string[] references = [.. row.Expected];
            var value = _score(row.Id, row.Said, references.Length == 0 ? "" : references[0], references, row.Language, row.Cluster, path => Field(row.Prediction, path)) switch
            {
                bool truth => truth ? 1 : 0,
                IConvertible number and not string => number.ToDouble(System.Globalization.CultureInfo.InvariantCulture),
                _ => double.NaN,
            };
            return value is >= 0 and <= 1 ? value : null;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Any fault of the user's expression is a row without a score; which kind it was changes nothing.
            return null;
        }
    }

    private static string Field(JsonNode? node, string path)
    {
        foreach (var part in path.Split('.'))
        {
            node = node is JsonObject o && o.TryGetPropertyValue(part, out var next) ? next : null;
        }

        return MetricRow.Text(node);
    }
}
