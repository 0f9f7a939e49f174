using System.Text.RegularExpressions;
using Lauter.Console.Texts;
using Lauter.Tests.Support;

namespace Lauter.Tests.Console;

public sealed partial class ConsoleTextsTests
{
    [Fact]
    public void Texts_EveryLanguage_SameKeysAndPlaceholders()
    {
        var english = ConsoleTexts.For("en").Entries;
        foreach (var language in ConsoleTexts.Languages)
        {
            var other = ConsoleTexts.For(language).Entries;
            Assert.Equal(english.Keys.Order(StringComparer.Ordinal), other.Keys.Order(StringComparer.Ordinal));
            foreach (var (key, text) in other)
            {
                Assert.False(string.IsNullOrWhiteSpace(text), $"{language}: {key} is empty");
                Assert.True(Placeholders(english[key]).SetEquals(Placeholders(text)), $"{language}: {key} has other placeholders than English");
            }
        }
    }

    /// <summary>A key that the page asks for and no file has would show up as the key itself.</summary>
    [Fact]
    public void Texts_KeysWrittenInTheSources_Exist()
    {
        var root = Path.Combine(SharedData.RepositoryRoot, "src", "Lauter.Console");
        var entries = ConsoleTexts.For("en").Entries;
        var used = Directory.EnumerateFiles(root, "*.*", SearchOption.AllDirectories)
            .Where(path => Path.GetExtension(path) is ".razor" or ".cs" && !path.Contains("/obj/", StringComparison.Ordinal))
            .SelectMany(path => KeyUse().Matches(File.ReadAllText(path)))
            .Select(match => match.Groups[1].Value).Where(key => !key.EndsWith('.')).Distinct(StringComparer.Ordinal).ToList();
        Assert.True(used.Count > 60, $"only {used.Count} keys were found in the sources");
        Assert.DoesNotContain(used, key => !entries.ContainsKey(key));
    }

    [Theory]
    [InlineData("zh", "zh-CN")]
    [InlineData("zh-TW", "zh-CN")]
    [InlineData("EN", "en")]
    [InlineData("fr", "en")]
    [InlineData(null, "en")]
    public void For_AnyTag_NearestLanguage(string? tag, string expected) => Assert.Equal(expected, ConsoleTexts.For(tag).Language);

    [Fact]
    public void Code_Unknown_IsShownAsWords() => Assert.Equal("brand new reason", ConsoleTexts.For("en").Code("reason", "brand_new_reason"));

    private static HashSet<string> Placeholders(string text) => [.. Placeholder().Matches(text).Select(match => match.Value)];

    [GeneratedRegex(@"\{\d\}", RegexOptions.None, 1000)]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"(?:\b(?:T|Texts|texts)(?:\.With\(|\[)|=> )""([a-z][a-z_0-9]*(?:\.[a-z_0-9]+)+)""", RegexOptions.None, 1000)]
    private static partial Regex KeyUse();
}
