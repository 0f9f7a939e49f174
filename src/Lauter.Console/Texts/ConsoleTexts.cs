using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;

namespace Lauter.Console.Texts;

/// <summary>The words of one language, read from an embedded JSON file of the same keys in every language. Immutable.</summary>
public sealed class ConsoleTexts
{
    /// <summary>The language when nothing else is known.</summary>
    public const string Default = "en";

    private static readonly FrozenDictionary<string, ConsoleTexts> All =
        new[] { "en", "zh-CN" }.ToFrozenDictionary(name => name, Load, StringComparer.OrdinalIgnoreCase);

    private readonly FrozenDictionary<string, string> _texts;

    private ConsoleTexts(string language, FrozenDictionary<string, string> texts)
    {
        Language = language;
        _texts = texts;
    }

    /// <summary>Languages the console speaks.</summary>
    public static IReadOnlyList<string> Languages { get; } = ["en", "zh-CN"];

    /// <summary>BCP 47 tag.</summary>
    public string Language { get; }

    /// <summary>The language that the page's switch leads to.</summary>
    public string Other => string.Equals(Language, "en", StringComparison.Ordinal) ? "zh-CN" : "en";

    internal IReadOnlyDictionary<string, string> Entries => _texts;

    /// <summary>The text of a key; the key itself when there is none, so that a gap is seen and nothing breaks.</summary>
    public string this[string key] => _texts.GetValueOrDefault(key, key);

    /// <summary>The text of a key with its placeholders filled.</summary>
    public string With(string key, params ReadOnlySpan<object?> values) => string.Format(CultureInfo.InvariantCulture, this[key], values);

    /// <summary>The text for a stable code of a family (<c>reason</c>, <c>phase</c> …); an unknown code is shown as words.</summary>
    public string Code(string family, string code) => _texts.TryGetValue($"{family}.{code}", out var text) ? text : code.Replace('_', ' ');

    /// <summary>The texts of a language tag; Chinese of any region has zh-CN, everything else English.</summary>
    public static ConsoleTexts For(string? language)
    {
        if (language is not null && All.TryGetValue(language, out var exact))
        {
            return exact;
        }

        return All[language is not null && language.StartsWith("zh", StringComparison.OrdinalIgnoreCase) ? "zh-CN" : Default];
    }

    private static ConsoleTexts Load(string language)
    {
        using var stream = typeof(ConsoleTexts).Assembly.GetManifestResourceStream($"Lauter.Console.Texts.{language}.json")
            ?? throw new InvalidOperationException($"The texts of '{language}' are not in the assembly.");
        return new ConsoleTexts(language, JsonSerializer.Deserialize<Dictionary<string, string>>(stream)!.ToFrozenDictionary(StringComparer.Ordinal));
    }
}
