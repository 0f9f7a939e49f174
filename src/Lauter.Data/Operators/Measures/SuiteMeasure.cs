using System.Text.Json;
using Lauter.Data.Text;

namespace Lauter.Data.Operators.Measures;

/// <summary>
/// Overlap with evaluation suites: runs of words, in Chinese of characters, that stand in a suite's texts too (13 words as in Brown et al. 2020, appendix C).
/// Both sides are folded, so case, width and script don't hide a copy; punctuation is left out. A suite text shorter than a run counts whole, unless it is so
/// short that chance would find it.
/// </summary>
internal sealed class SuiteMeasure : Measure
{
    /// <summary>Code of the drop.</summary>
    public const string Reason = "in_suite";

    private const ulong Base = 0x9E3779B97F4A7C15UL | 1;
    private const int FewestWords = 6;
    private const int FewestHan = 10;

    private readonly Suites _suites;
    private readonly Units _units = new();

    private SuiteMeasure(Suites suites) => _suites = suites;

    public override string Name => "suites " + _suites.Key;

    public override int Version => 1;

    public override IReadOnlyList<string> Columns { get; } = ["suite_runs", "suite_share"];

    /// <summary>Reads the suites of a call once; measures of all workers share the runs.</summary>
    public static Func<Measure> Open(OperatorCall call)
    {
        var suites = new Suites(call);
        return () => new SuiteMeasure(suites);
    }

    public override void Take(TextView text, Span<double> values)
    {
        var (runs, covered, _) = Find(text.Text);
        values[0] = runs;
        values[1] = Ratio(covered, _units.Count);
    }

    /// <summary>Where the first run of a text stands in the suites; null without one.</summary>
    public string? Describe(string text)
    {
        var (_, _, first) = Find(text);
        return first is not { } at ? null : $"{_suites.PlaceOf(at.Place)} holds '{_units.Text(at.Start, at.Length)}'.";
    }

    private (int Runs, int Covered, (int Start, int Length, int Place)? First) Find(string text)
    {
        _units.Load(text);
        int runs = 0, covered = 0;
        (int, int, int)? first = null;
        Span<bool> inRun = _units.Count <= 4096 ? stackalloc bool[_units.Count] : new bool[_units.Count];
        foreach (var size in _suites.Sizes)
        {
            for (var i = 0; i + size <= _units.Count; i++)
            {
                if (_suites.Runs.TryGetValue(_units.Key(i, size), out var place))
                {
                    runs++;
                    first ??= (i, size, place);
                    inRun.Slice(i, size).Fill(true);
                }
            }
        }

        foreach (var unit in inRun)
        {
            covered += unit ? 1 : 0;
        }

        return (runs, covered, first);
    }

    /// <summary>Folded words and Han characters of a text, and the keys of their runs.</summary>
    private sealed class Units
    {
        private readonly List<(int Start, int Length)> _parts = [];
        private ulong[] _prefix = new ulong[256];
        private readonly List<ulong> _powers = [1];
        private string _text = "";

        public int Count => _parts.Count;

        public int Han { get; private set; }

        public void Load(string text)
        {
            _text = TextFolding.Fold(text);
            _parts.Clear();
            Han = 0;
            var i = 0;
            while (i < _text.Length)
            {
                var start = i;
                if (TextFolding.IsHan(_text[i]))
                {
                    Han++;
                    i++;
                }
                else
                {
                    while (i < _text.Length && !TextFolding.IsHan(_text[i]) && char.IsLetterOrDigit(_text[i]))
                    {
                        i++;
                    }
                }

                if (i == start)
                {
                    i++;
                    continue;
                }

                _parts.Add((start, i - start));
            }

            if (_prefix.Length <= _parts.Count)
            {
                _prefix = new ulong[_parts.Count * 2];
            }

            for (var p = 0; p < _parts.Count; p++)
            {
                _prefix[p + 1] = (_prefix[p] * Base) + TextView.HashOf(_text.AsSpan(_parts[p].Start, _parts[p].Length));
            }
        }

        public ulong Key(int start, int length)
        {
            while (_powers.Count <= length)
            {
                _powers.Add(_powers[^1] * Base);
            }

            var key = _prefix[start + length] - (_prefix[start] * _powers[length]);
            return (key ^ (key >> 29)) + (ulong)length;
        }

        public string Text(int start, int length) => _text[_parts[start].Start..(_parts[start + length - 1].Start + _parts[start + length - 1].Length)];
    }

    /// <summary>The runs of all suites.</summary>
    private sealed class Suites
    {
        private readonly List<(string File, int Line)> _places = [];

        public Suites(OperatorCall call)
        {
            var (words, characters) = ((int)call.Number("words"), (int)call.Number("characters"));
            Key = $"{string.Join(' ', call.Choices("suites"))} {words} {characters}";
            var sizes = new SortedSet<int>();
            var units = new Units();
            foreach (var file in call.Files("suites"))
            {
                var number = 0;
                foreach (var line in File.ReadLines(file))
                {
                    number++;
                    foreach (var text in Texts(line))
                    {
                        units.Load(text);
                        var han = units.Han * 2 > units.Count;
                        var size = Math.Min(han ? characters : words, units.Count);
                        if (size < (han ? FewestHan : FewestWords))
                        {
                            continue;
                        }

                        sizes.Add(size);
                        _places.Add((Path.GetFileName(file), number));
                        for (var i = 0; i + size <= units.Count; i++)
                        {
                            Runs.TryAdd(units.Key(i, size), _places.Count - 1);
                        }
                    }
                }
            }

            Sizes = [.. sizes.Reverse()];
        }

        public string Key { get; }

        public Dictionary<ulong, int> Runs { get; } = [];

        /// <summary>Lengths of the runs, longest first.</summary>
        public int[] Sizes { get; }

        public string PlaceOf(int place) => $"{_places[place].File}, line {_places[place].Line},";

        /// <summary>Every text of a JSON line; any other line is a text itself.</summary>
        private static List<string> Texts(string line)
        {
            var texts = new List<string>();
            try
            {
                using var json = JsonDocument.Parse(line);
                Collect(json.RootElement, texts);
            }
            catch (JsonException)
            {
                texts.Add(line);
            }

            return texts;
        }

        private static void Collect(JsonElement element, List<string> texts)
        {
            switch (element.ValueKind)
            {
                case JsonValueKind.String:
                    texts.Add(element.GetString()!);
                    break;
                case JsonValueKind.Array:
                    foreach (var item in element.EnumerateArray())
                    {
                        Collect(item, texts);
                    }

                    break;
                case JsonValueKind.Object:
                    foreach (var member in element.EnumerateObject())
                    {
                        Collect(member.Value, texts);
                    }

                    break;
            }
        }
    }
}
