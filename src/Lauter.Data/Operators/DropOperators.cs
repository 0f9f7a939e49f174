using System.Text.Json.Nodes;
using Lauter.Data.Operators.Measures;
using Lauter.Data.Operators.Perplexity;

namespace Lauter.Data.Operators;

/// <summary>
/// Every operator that compares measured numbers with thresholds. English defaults are the published ones of Gopher (arXiv 2112.11446), C4 (Raffel et
/// al. 2020) and FineWeb (arXiv 2406.17557); Chinese ones those of FineWeb-2 for Mandarin (configs/cmn_Hani.yml), where a rule that FineWeb-2 leaves
/// out has a threshold that nothing reaches. To add one: a row here, and a measure when no column has the number yet.
/// </summary>
internal static class DropOperators
{
    public static IReadOnlyList<DropOperator> All { get; } =
    [
        new("drop_short", 2, "Drops texts with fewer words; a Han character counts as a word.", Least("minimum", "units", "too_short", "words, Han characters one by one", 8, 15, 8, 1_000_000)),
        new("drop_long", 1, "Drops texts with more words; a Han character counts as a word.", Most("maximum", "units", "too_long", "words, Han characters one by one", 100_000, 200_000, 100_000, 100_000_000)),
        new("drop_symbols", 2, "Drops texts that are mostly signs; Chinese and English punctuation is not counted against a text.",
            Least("letters", "letters", "mostly_symbols", "share of letters and digits among all characters that are neither blanks nor punctuation of prose", 0.5, 0.5, 0.4)),
        new("drop_repetitive", 2, "Drops texts that repeat themselves.", Most("maximum", "repetition", "repetitive", "share of words inside a run of five that stood in the text before", 0.5, 0.55, 0.5)),
        new("drop_garbled", 3, "Drops texts with unreadable characters (U+FFFD, private use, broken encodings that could not be repaired).",
            Most("maximum", "garbled", "garbled", "share of unreadable characters", 0.02, 0.02, 0.05),
            Most("broken_lines", "broken_lines", "broken_encoding", "share of characters in lines that a wrong decoding left unreadable", 0.05, 0.05, 0.05)),
        Language,
        new("drop_gopher_repetition", 1, "The repetition rules of Gopher: lines, paragraphs and n-grams of words that were seen before.",
            Most("duplicate_lines", "duplicate_lines", "gopher_duplicate_lines", "share of lines seen before", 0.30, 0.287, 0.30),
            Most("duplicate_paragraphs", "duplicate_paragraphs", "gopher_duplicate_paragraphs", "share of paragraphs seen before", 0.30, 1, 0.30),
            Most("duplicate_line_characters", "duplicate_line_characters", "gopher_duplicate_line_characters", "share of characters in lines seen before", 0.20, 1, 0.20),
            Most("duplicate_paragraph_characters", "duplicate_paragraph_characters", "gopher_duplicate_paragraph_characters", "share of characters in paragraphs seen before", 0.20, 1, 0.20),
            Gram("top", 2, 0.20, 0.256), Gram("top", 3, 0.18, 0.201), Gram("top", 4, 0.16, 0.171),
            Gram("duplicate", 5, 0.15, 0.198), Gram("duplicate", 6, 0.14, 0.182), Gram("duplicate", 7, 0.13, 0.167),
            Gram("duplicate", 8, 0.12, 0.154), Gram("duplicate", 9, 0.11, 0.140), Gram("duplicate", 10, 0.10, 0.127)),
        new("drop_gopher_quality", 1, "The quality rules of Gopher: number and length of words, signs, bullets, ellipses, stop words.",
            Least("words_least", "words", "gopher_short", "words", 50, 50, 50, 1_000_000),
            Most("words_most", "words", "gopher_long", "words", 100_000, 100_000, 100_000, 100_000_000),
            Least("word_length_least", "word_length", "gopher_short_words", "characters in a word on average", 3, 1, 1, 100),
            Most("word_length_most", "word_length", "gopher_long_words", "characters in a word on average", 10, 5, 10, 1000),
            Most("hash_signs", "hash_signs", "gopher_hash_signs", "number signs for each token", 0.1, 0.1, 0.1),
            Most("ellipses", "ellipses", "gopher_ellipses", "ellipses for each token", 0.1, 0.1, 0.1),
            Most("bullet_lines", "bullet_lines", "gopher_bullets", "share of lines that begin with a bullet", 0.9, 0.9, 0.9),
            Most("ellipsis_lines", "ellipsis_lines", "gopher_ellipsis_lines", "share of lines that end with an ellipsis", 0.3, 0.3, 0.3),
            Least("letter_words", "letter_words", "gopher_few_letters", "share of words with a letter; punctuation is no word", 0.8, 0.735, 0.8),
            Least("stop_words", "stop_words", "gopher_few_stop_words", "different stop words", 2, 2, 0, 22)),
        new("drop_c4", 1, "The document rules of C4, after remove_c4_lines: enough sentences, no braces, no placeholder text. FineWeb-2 has none of them for Chinese.",
            Least("sentences", "sentences", "c4_few_sentences", "sentences", 5, 0, 0, 1_000_000),
            Most("braces", "braces", "c4_braces", "opening braces", 0, 1_000_000, 1_000_000, 1_000_000),
            Most("lorem_ipsum", "lorem_ipsum", "c4_lorem_ipsum", "placeholder texts", 0, 0, 0)),
        new("drop_fineweb", 1, "The rules that FineWeb adds: lines that end as sentences do, short lines, repeated lines, lists.",
            Least("line_ends", "line_ends", "fineweb_line_ends", "share of lines with a mark at their end", 0.12, 0.106, 0),
            Most("short_lines", "short_lines", "fineweb_short_lines", "share of lines of at most 30 characters", 0.67, 1, 1),
            Most("duplicate_characters", "duplicate_characters", "fineweb_duplicate_lines", "share of characters in lines seen before", 0.01, 0.1, 0.1),
            Most("newlines", "newlines", "fineweb_list", "line ends for each token", 0.3, 0.178, 0.3)),
        new("drop_alphanumeric", 1, "Drops texts with few letters and digits among all characters.", Least("minimum", "alphanumeric", "few_letters", "share of letters and digits among all characters", 0.25, 0.25, 0.25)),
        new("drop_digits", 1, "Drops texts with many digits.", Most("maximum", "digits", "many_digits", "share of digits among all characters", 0.15, 0.15, 0.15)),
        new("drop_special_characters", 1, "Drops texts with many signs that prose does not use.", Most("maximum", "special", "many_special_characters", "share of signs and unreadable characters", 0.25, 0.25, 0.25)),
        new("drop_punctuation", 1, "Drops texts with too much punctuation; clean Chinese has 10 %, clean English 3 %.", Most("maximum", "punctuation", "much_punctuation", "share of punctuation among all characters", 0.25, 0.3, 0.3)),
        new("drop_white_space", 1, "Drops texts with too many blanks; means little in Chinese, where prose has none.", Most("maximum", "white", "much_white_space", "share of blanks and line ends among all characters", 0.25, 0.25, 0.25)),
        new("drop_line_length", 1, "Drops texts of short lines.",
            Least("average", "average_line", "short_lines", "characters in a line on average", 10, 5, 5, 1_000_000),
            Least("longest", "longest_line", "no_long_line", "characters in the longest line", 10, 5, 5, 1_000_000)),
        new("drop_long_words", 1, "Drops texts that hold a very long word: encoded data, glued text.", Most("maximum", "longest_word", "long_word", "characters in the longest word", 1000, 1000, 1000, 1_000_000)),
        new("drop_character_repetition", 1, "Drops texts whose character 10-grams repeat.", Most("maximum", "character_repetition", "repeated_characters", "share of character 10-grams seen before", 0.5, 0.6, 0.5)),
        new("drop_few_sentences", 1, "Drops texts with few sentences.", Least("minimum", "sentences", "few_sentences", "sentences", 2, 2, 2, 1_000_000)),
        new("drop_few_stop_words", 1, "Drops texts with few words that carry grammar: lists of keywords, tables, logs.",
            Least("minimum", "stop_word_share", "few_stop_words", "share of words that carry grammar", 0.2, 0.1, 0)),
        DropOperator.Configured(
            "drop_flagged_words", 1, "Drops texts with words of a list that the team keeps.", FlaggedWordMeasure.Open, [File("list", "A text file, one word or phrase a line; # begins a comment.")],
            Most("maximum", "flagged_words", "flagged_words", "listed words for each word", 0.045, 0.017, 0.045)),
        DropOperator.Configured(
            "drop_perplexity", 1, "Drops texts that surprise a character model of clean text: gibberish, garbled encodings, foreign matter.", PerplexityMeasure.Open,
            [new ArgumentSpec("model", ArgumentForm.File, "", 0, 0, [], "A model that 'lauter data learn' wrote; without it one is learned from what the operators before this one keep of a sample of the run's own rows.")],
            Most("maximum", "perplexity", "high_perplexity", "perplexity for each character", 60, 400, 1e9, 1e9)),
        DropOperator.Configured(
            "drop_tokens", 1, "Drops texts with too few or too many tokens of the model that will read them.", TokenMeasure.Open, [File("model", "A GGUF file; only its vocabulary is read.")],
            Least("minimum", "tokens", "few_tokens", "tokens", 10, 10, 10, 1e9),
            Most("maximum", "tokens", "many_tokens", "tokens", 1e9, 1e9, 1e9, 1e9),
            Least("characters_per_token", "characters_per_token", "unfamiliar_to_model", "characters in a token on average", 0, 0, 0, 100)),
        DropOperator.Configured(
            "decontaminate", 1, "Drops texts that share a run of words with an evaluation suite: a model that saw them would be graded on its memory.", SuiteMeasure.Open,
            [
                new ArgumentSpec("suites", ArgumentForm.Files, new JsonArray(), 0, 0, [], "Files of suites: JSON lines, every text in them, or plain lines.") { IsRequired = true },
                new ArgumentSpec("words", ArgumentForm.Number, 13.0, 6, 50, [], "Words in a run."),
                new ArgumentSpec("characters", ArgumentForm.Number, 20.0, 10, 100, [], "Han characters in a run, for Chinese texts of a suite."),
            ],
            Most("maximum", "suite_runs", SuiteMeasure.Reason, "runs that stand in a suite too", 0, 0, 0, 1_000_000)),
    ];

    private static DropOperator Language
    {
        get
        {
            var score = Least("score", "language_score", "uncertain_language", "share of the text that speaks for its language", 0.4, 0.4, 0);
            var keep = new ArgumentSpec("keep", ArgumentForm.Choices, new JsonArray("en", "zh"), 0, 0, ["en", "zh", "und"], "Languages to keep.");
            var declared = new ArgumentSpec("declared", ArgumentForm.Text, "", 0, 0, [], "Field with the language that a row claims; a text in another language is dropped. Rows without project only.");
            return new DropOperator(new OperatorSpec(OperatorCatalog.DropLanguage, 2, OperatorKind.Drop, true, true, "Keeps only texts in the listed languages.", [keep, score.ToArgument(), declared]), [score]);
        }
    }

    private static ArgumentSpec File(string name, string summary) => new(name, ArgumentForm.File, "", 0, 0, [], summary) { IsRequired = true };

    private static Check Gram(string kind, int n, double english, double chinese) =>
        Most($"{kind}_{n}_gram", $"{kind}_{n}_gram", $"gopher_{kind}_{n}_gram", kind == "top" ? $"share of characters in the most frequent {n}-gram" : $"share of characters in {n}-grams seen before", english, chinese, english);

    private static Check Least(string argument, string column, string reason, string what, double english, double chinese, double other, double highest = 1) =>
        new(argument, column, true, reason, what, english, chinese, other, 0, highest);

    private static Check Most(string argument, string column, string reason, string what, double english, double chinese, double other, double highest = 1) =>
        new(argument, column, false, reason, what, english, chinese, other, 0, highest);
}
