using System.Text.Json;
using Lauter.Tests.Support;

namespace Lauter.Tests.Evaluation;

/// <summary>Reference values made with scipy, statsmodels and scikit-learn; each file says with which call.</summary>
internal static class Golden
{
    public static IEnumerable<JsonElement> Cases(string file, string member)
    {
        var path = Path.Combine(SharedData.RepositoryRoot, "tests", "Lauter.Tests", "Evaluation", "Goldens", file);
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        var cases = document.RootElement.GetProperty(member).Clone().EnumerateArray().ToArray();
        Assert.NotEmpty(cases);
        return cases;
    }

    /// <summary>A reference file of the shared folder; skips the calling test when it is not there.</summary>
    public static JsonElement Shared(string file)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require($"golden/metrics/{file}")));
        return document.RootElement.Clone();
    }

    /// <summary>A number, or one of the strings NaN, Infinity, -Infinity.</summary>
    public static double Real(this JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => element.GetString() switch { "NaN" => double.NaN, "Infinity" => double.PositiveInfinity, _ => double.NegativeInfinity },
        _ => element.GetDouble(),
    };

    public static double Real(this JsonElement element, string member) => element.GetProperty(member).Real();

    public static double[] Reals(this JsonElement element, string member) => [.. element.GetProperty(member).EnumerateArray().Select(v => v.Real())];

    public static string Text(this JsonElement element, string member) => element.GetProperty(member).GetString()!;

    public static string[] Texts(this JsonElement element, string member) => [.. element.GetProperty(member).EnumerateArray().Select(v => v.GetString()!)];

    public static bool Flag(this JsonElement element, string member) => element.GetProperty(member).GetBoolean();

    public static JsonElement[] Items(this JsonElement element, string member) => [.. element.GetProperty(member).EnumerateArray()];

    public static void Same(double expected, double actual, double tolerance, string what)
    {
        if (double.IsNaN(expected) || double.IsInfinity(expected))
        {
            Assert.True(expected.Equals(actual), $"{what}: expected {expected}, got {actual}");
            return;
        }

        Close(expected, actual, tolerance, what);
    }

    public static double Number(this JsonElement element, string member) => element.GetProperty(member).GetDouble();

    public static double[] Numbers(this JsonElement element, string member) => [.. element.GetProperty(member).EnumerateArray().Select(v => v.GetDouble())];

    public static int[] Integers(this JsonElement element, string member) => [.. element.GetProperty(member).EnumerateArray().Select(v => v.GetInt32())];

    public static void Close(double expected, double actual, double tolerance, string what) =>
        Assert.True(
            Math.Abs(expected - actual) <= tolerance * Math.Max(1, Math.Abs(expected)),
            $"{what}: expected {expected:R}, got {actual:R}");

    public static void Close(double[] expected, (double Statistic, double P) actual, double tolerance, string what)
    {
        Close(expected[0], actual.Statistic, tolerance, $"{what}, statistic");
        Close(expected[1], actual.P, tolerance, $"{what}, p");
    }

    public static void Close(double[] expected, Lauter.Evaluation.Statistics.Interval actual, double tolerance, string what)
    {
        Close(expected[0], actual.Low, tolerance, $"{what}, low");
        Close(expected[1], actual.High, tolerance, $"{what}, high");
    }

    /// <summary>Relative agreement, for p values far out in the tail.</summary>
    public static void Relative(double expected, double actual, double tolerance, string what) =>
        Assert.True(Math.Abs(expected - actual) <= tolerance * Math.Abs(expected), $"{what}: expected {expected:R}, got {actual:R}");
}
