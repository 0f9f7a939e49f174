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

    private static readonly HashSet<string> EnglishWords = new(
        ("the be to of and a in that have i it for not on with he as you do at this but his by from they we say her she or an will my one all would there their what so up out if about who get which go me when make can like time no just him know take "
        + "people into year your good some could them see other than then now look only come its over think also back after use two how our work first well way even new want because any these give day most us is are was were been has had did does "
        + "please help why where still yet again cannot can't don't doesn't won't i'm it's thanks hello hi need should may must each per before between under through while during without within").Split(' '),
        StringComparer.Ordinal);

    private static readonly HashSet<string> OtherLatinWords = new(
        ("der die das und ist nicht ein eine mit von auf für den dem sich auch werden wird sind haben oder aber wie "
        + "le la les des du et est une un dans pour que qui sur pas avec sont ce cette nous vous ou mais "
        + "el los las y en del por con para una es no se lo como más pero sus su al "
        + "il di che è per non sono della nel alla gli lo da con ma "
        + "o os da do em não uma com para por mais como dos das ao "
        + "het een van niet dat op te zijn aan met voor er maar").Split(' '),
        StringComparer.Ordinal);

    /// <summary><c>en</c>, <c>zh</c> or <c>und</c>.</summary>
    public static string Detect(string text)
    {
        int han = 0, kana = 0, hangul = 0, latinWords = 0, english = 0, other = 0, foreignLetters = 0, plain = 0;
        var sample = text.Length > 20_000 ? text[..20_000] : text;
        var i = 0;
        while (i < sample.Length)
        {
            var c = sample[i];
            if (TextFolding.IsHan(c))
            {
                han++;
                i++;
            }
            else if (c is >= '\u3040' and <= '\u30FF')
            {
                kana++;
                i++;
            }
            else if (c is >= '\uAC00' and <= '\uD7A3')
            {
                hangul++;
                i++;
            }
            else if (IsLatin(c))
            {
                var start = i;
                var accented = false;
                while (i < sample.Length && (IsLatin(sample[i]) || (sample[i] is '\'' or '\u2019' && i + 1 < sample.Length && IsLatin(sample[i + 1]))))
                {
                    accented |= sample[i] > 127 && sample[i] != '\u2019';
                    i++;
                }

                var word = sample[start..i].ToLowerInvariant().Replace('\u2019', '\'');
                latinWords++;
                english += EnglishWords.Contains(word) ? 1 : 0;
                other += OtherLatinWords.Contains(word) ? 1 : 0;
                foreignLetters += accented ? 1 : 0;
                plain += !accented && IsPronounceable(word) ? 1 : 0;
            }
            else
            {
                if (char.IsLetter(c))
                {
                    hangul++;
                }

                i++;
            }
        }

        var hanWeight = han / 2.0;
        if (kana > 0 && kana * 4 >= han && kana + han > latinWords)
        {
            return Undetermined;
        }

        if (hangul > han && hangul / 2.0 > latinWords)
        {
            return Undetermined;
        }

        if (han > 0 && hanWeight >= latinWords)
        {
            return Chinese;
        }

        if (latinWords == 0)
        {
            return Undetermined;
        }

        // Few other languages share more than a handful of the English stop words; a short label without stop words is English unless
        // its letters say otherwise.
        if ((english > other || (english == other && english > 0 && foreignLetters == 0)) && (latinWords < 12 || english * 25 >= latinWords))
        {
            return English;
        }

        // A table or a list of names has no stop words at all: plain letters and pronounceable words must do, and less of them the longer it is.
        var enough = latinWords < 12 ? 0.5 : 0.8;
        return other == 0 && foreignLetters == 0 && latinWords < 80 && plain > enough * latinWords ? English : Undetermined;
    }

    private static bool IsLatin(char c) => char.IsAsciiLetter(c) || (c is >= '\u00C0' and <= '\u024F' and not '\u00D7' and not '\u00F7');

    /// <summary>At least one vowel and no run of five consonants: enough to tell a word from keyboard noise.</summary>
    private static bool IsPronounceable(string word)
    {
        int vowels = 0, run = 0, longest = 0;
        foreach (var c in word)
        {
            if (c is 'a' or 'e' or 'i' or 'o' or 'u' or 'y')
            {
                vowels++;
                run = 0;
            }
            else
            {
                longest = Math.Max(longest, ++run);
            }
        }

        return (vowels > 0 && longest < 5) || word.Length <= 3;
    }
}
