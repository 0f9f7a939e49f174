using System.Runtime.CompilerServices;

namespace Lauter.Data.Text;

/// <summary>
/// Tells English from Chinese by script and by stop words; everything else, and text with too little evidence, is <c>und</c>. A mixed
/// text gets the language of its larger part, a Han character counting as much as half a Latin word. Thread-safe.
/// </summary>
public static class LanguageDetector
{
    /// <summary>English.</summary>
    public const string English = "en";

    /// <summary>Chinese, simplified or traditional.</summary>
    public const string Chinese = "zh";

    /// <summary>Neither, or undecidable.</summary>
    public const string Undetermined = "und";

    private static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> EnglishWords = new HashSet<string>(
        ("the be to of and a in that have i it for not on with he as you do at this but his by from they we say her she or an will my one all would there their what so up out if about who get which go me when make can like time no just him know take "
        + "people into year your good some could them see other than then now look only come its over think also back after use two how our work first well way even new want because any these give day most us is are was were been has had did does "
        + "please help why where still yet again cannot can't don't doesn't won't i'm it's thanks hello hi need should may must each per before between under through while during without within").Split(' '),
        StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    private static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> OtherLatinWords = new HashSet<string>(
        ("der die das und ist nicht ein eine mit von auf für den dem sich auch werden wird sind haben oder aber wie "
        + "le la les des du et est une un dans pour que qui sur pas avec sont ce cette nous vous ou mais "
        + "el los las y en del por con para una es no se lo como más pero sus su al "
        + "il di che è per non sono della nel alla gli lo da con ma "
        + "o os da do em não uma com para por mais como dos das ao "
        + "het een van niet dat op te zijn aan met voor er maar").Split(' '),
        StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Characters that are looked at: the language of a text shows in its first pages.</summary>
    private const int Sample = 20_000;

    /// <summary>Longer words are in no list.</summary>
    private const int LongestListed = 16;

    /// <summary>
    /// Of prose, more than three quarters of the Han characters are among the 600 frequent ones; of characters drawn at random or wrongly decoded,
    /// less than a tenth. Names and tables lie between.
    /// </summary>
    private const double LeastFrequent = 0.2;

    /// <summary>From so many Han characters on, rare ones speak against Chinese.</summary>
    private const int EnoughHan = 30;

    /// <summary><c>en</c>, <c>zh</c> or <c>und</c>.</summary>
    public static string Detect(string text) => Score(text).Language;

    /// <summary>The language and how much of the text speaks for it, 0 to 1; 0 for <c>und</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (string Language, double Score) Score(ReadOnlySpan<char> text)
    {
        int han = 0, frequent = 0, kana = 0, others = 0, latinWords = 0, english = 0, other = 0, foreignLetters = 0, plain = 0;
        var sample = text.Length > Sample ? text[..Sample] : text;
        Span<char> word = stackalloc char[LongestListed];
        var i = 0;
        while (i < sample.Length)
        {
            var c = sample[i];
            if (IsLatin(c))
            {
                var start = i;
                var accented = false;
                int vowels = 0, run = 0, longest = 0;
                while (i < sample.Length && (IsLatin(c = sample[i]) || (c is '\'' or '\u2019' && i + 1 < sample.Length && IsLatin(sample[i + 1]))))
                {
                    accented |= c is > '\u007F' and not '\u2019';
                    var lower = c < 128 ? (char)(c | 0x20) : c == '\u2019' ? '\'' : char.ToLowerInvariant(c);
                    if (c == '\'')
                    {
                        lower = c;
                    }

                    if (i - start < LongestListed)
                    {
                        word[i - start] = lower;
                    }

                    // At least one vowel and no run of five consonants: enough to tell a word from keyboard noise.
                    if (lower is 'a' or 'e' or 'i' or 'o' or 'u' or 'y')
                    {
                        vowels++;
                        run = 0;
                    }
                    else
                    {
                        longest = Math.Max(longest, ++run);
                    }

                    i++;
                }

                latinWords++;
                var length = i - start;
                if (length <= LongestListed)
                {
                    english += EnglishWords.Contains(word[..length]) ? 1 : 0;
                    other += OtherLatinWords.Contains(word[..length]) ? 1 : 0;
                }

                foreignLetters += accented ? 1 : 0;
                plain += !accented && ((vowels > 0 && longest < 5) || length <= 3) ? 1 : 0;
            }
            else
            {
                if (TextFolding.IsHan(c))
                {
                    han++;
                    frequent += HanWords.IsFrequent(c) ? 1 : 0;
                }
                else if (c is >= '\u3040' and <= '\u30FF')
                {
                    kana++;
                }
                else if (c > 127 && char.IsLetter(c))
                {
                    others++;
                }

                i++;
            }
        }

        // A mixed text gets the language of its larger part, a Han character counting as much as half a Latin word.
        if ((kana > 0 && kana * 4 >= han && kana + han > latinWords) || (others > han && others / 2.0 > latinWords))
        {
            return (Undetermined, 0);
        }

        if (han > 0 && han / 2.0 >= latinWords)
        {
            var share = (double)frequent / han;
            return han >= EnoughHan && share < LeastFrequent ? (Undetermined, 0) : (Chinese, Math.Min(1, share / 0.6) * han / (han + kana + (latinWords / 2.0)));
        }

        if (latinWords == 0)
        {
            return (Undetermined, 0);
        }

        // Few other languages share more than a handful of the English stop words; a short label without stop words is English unless
        // its letters say otherwise.
        if ((english > other || (english == other && english > 0 && foreignLetters == 0)) && (latinWords < 12 || english * 25 >= latinWords))
        {
            var share = Math.Min(1, english * 5.0 / latinWords);
            return (English, share * latinWords / (latinWords + (han / 2.0)) * english / Math.Max(1, english + other));
        }

        // A table or a list of names has no stop words at all: plain letters and pronounceable words must do, and less of them the longer it is.
        var enough = latinWords < 12 ? 0.5 : 0.8;
        return other == 0 && foreignLetters == 0 && latinWords < 80 && plain > enough * latinWords ? (English, 0.5) : (Undetermined, 0);
    }

    private static bool IsLatin(char c) => char.IsAsciiLetter(c) || (c is >= '\u00C0' and <= '\u024F' and not '\u00D7' and not '\u00F7');
}
