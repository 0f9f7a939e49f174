using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Lauter.Data.Text;

namespace Lauter.Data.Operators.Perplexity;

/// <summary>
/// Character n-gram models, one a language: how surprising a text is after clean text. Interpolated by Witten and Bell (1991): p(c|h) =
/// (n(hc) + t(h) p(c|h')) / (n(h) + t(h)), t counting the different characters that followed h. Probabilities of seen n-grams and weights of their
/// contexts are tabled, so a character costs one to three look-ups. Letters are lower-cased, traditional characters simplified, digits made equal and blanks
/// joined. Equal texts in equal order give equal bytes; the key is the hash of them. Immutable, thread-safe.
/// </summary>
internal sealed class CharacterModel
{
    private const ulong Base = 0x9E3779B97F4A7C15UL;

    /// <summary>Probability of a character that was never seen.</summary>
    private const double Unseen = 1e-5;

    private readonly Dictionary<string, Table> _tables = new(StringComparer.Ordinal);

    private CharacterModel(byte[] bytes)
    {
        Bytes = bytes;
        Key = Convert.ToHexStringLower(SHA256.HashData(bytes));
        var reader = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        if (bytes.Length < Magic.Length || !reader.ReadBytes(Magic.Length).AsSpan().SequenceEqual(Magic))
        {
            throw new InvalidDataException("This is no character model: 'lauter data learn' writes one.");
        }

        try
        {
            for (var n = reader.ReadByte(); n > 0; n--)
            {
                var language = reader.ReadString();
                var order = reader.ReadByte();
                var count = reader.ReadInt32();
                if (order is < 1 or > Longest || count < 0 || count > (bytes.Length / 16))
                {
                    throw new InvalidDataException("The character model is damaged.");
                }

                var table = new Table(order, count);
                for (var i = 0; i < count; i++)
                {
                    table.Add(reader.ReadUInt64(), reader.ReadSingle(), reader.ReadSingle());
                }

                _tables[language] = table;
            }
        }
        catch (Exception e) when (e is EndOfStreamException or FormatException)
        {
            throw new InvalidDataException("The character model is damaged, or ends too early.", e);
        }
    }

    private static ReadOnlySpan<byte> Magic => "LTCM0001"u8;

    /// <summary>Characters of the longest n-gram: five where words are spelled, three where a character is a word.</summary>
    public const int Longest = 5;

    /// <summary>SHA-256 of <see cref="Bytes"/>.</summary>
    public string Key { get; }

    /// <summary>The model as a file.</summary>
    public byte[] Bytes { get; }

    /// <summary>Languages that were learned.</summary>
    public IReadOnlyCollection<string> Languages => _tables.Keys;

    /// <exception cref="InvalidDataException">The bytes are no model.</exception>
    public static CharacterModel Read(byte[] bytes) => new(bytes);

    /// <summary>Perplexity for each character: 1 is foreseen entirely, the size of the alphabet is guessing; 0 for no text, or a language that was not learned.</summary>
    public double Perplexity(ReadOnlySpan<char> text, string language)
    {
        if (!_tables.TryGetValue(language, out var table))
        {
            return 0;
        }

        Span<ulong> keys = stackalloc ulong[Longest + 1];
        Span<ulong> before = stackalloc ulong[Longest + 1];
        Span<char> recent = stackalloc char[Longest];
        var known = 0;
        double sum = 0;
        var count = 0;
        var stream = new Plain(text);
        while (stream.Next() is { } c)
        {
            KeysOf(c, recent[..known], keys);
            sum += table.LogProbability(keys, before, Math.Min(table.Order, known + 1));
            count++;
            keys.CopyTo(before);
            Push(recent, ref known, c);
        }

        return count == 0 ? 0 : Math.Exp(-sum / count);
    }

    /// <summary>Learns texts by language.</summary>
    /// <param name="texts">Clean ones; the order matters for nothing but equal bytes.</param>
    public static CharacterModel Learn(IEnumerable<(string Text, string Language)> texts)
    {
        var counts = new SortedDictionary<string, Counter>(StringComparer.Ordinal);
        foreach (var (text, language) in texts)
        {
            if (!counts.TryGetValue(language, out var counter))
            {
                counts[language] = counter = new Counter(language == LanguageDetector.Chinese ? 3 : Longest);
            }

            counter.Add(text);
        }

        var file = new ArrayBufferWriter<byte>();
        file.Write(Magic);
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write((byte)counts.Count);
            foreach (var (language, counter) in counts)
            {
                writer.Write(language);
                counter.Write(writer);
            }
        }

        file.Write(stream.ToArray());
        return new CharacterModel(file.WrittenSpan.ToArray());
    }

    /// <summary>Keys of the 1- to n-grams that end with <paramref name="c"/>, by their length.</summary>
    private static void KeysOf(char c, ReadOnlySpan<char> recent, Span<ulong> keys)
    {
        keys[0] = 0;
        var key = c + 1UL;
        keys[1] = Mixed(key, 1);
        for (var n = 2; n <= recent.Length + 1 && n < keys.Length; n++)
        {
            key = (key * Base) + recent[^(n - 1)] + 1UL;
            keys[n] = Mixed(key, n);
        }
    }

    private static ulong Mixed(ulong key, int n)
    {
        key = (key + (ulong)n) * Base;
        return (key ^ (key >> 31)) | 1;
    }

    private static void Push(Span<char> recent, ref int known, char c)
    {
        const int Context = Longest - 1;
        if (known == Context)
        {
            recent[1..Context].CopyTo(recent);
            known--;
        }

        recent[known++] = c;
    }

    /// <summary>The characters that the model sees.</summary>
    private ref struct Plain(ReadOnlySpan<char> text)
    {
        private readonly ReadOnlySpan<char> _text = text;
        private int _at;
        private bool _blank = true;

        public char? Next()
        {
            while (_at < _text.Length)
            {
                var c = _text[_at++];
                if (c <= ' ' || char.IsWhiteSpace(c))
                {
                    if (_blank)
                    {
                        continue;
                    }

                    _blank = true;
                    return ' ';
                }

                _blank = false;
                return c < 0x80 ? char.IsAsciiDigit(c) ? '0' : char.ToLowerInvariant(c) : TextFolding.IsHan(c) ? TextFolding.Simplify(c) : char.IsDigit(c) ? '0' : char.ToLowerInvariant(c);
            }

            return null;
        }
    }

    private sealed class Counter(int order)
    {
        private readonly Dictionary<ulong, (int Count, int Order, ulong Context, ulong Shorter)> _grams = [];
        private readonly Dictionary<ulong, (int Count, int Types)> _contexts = [];

        public void Add(string text)
        {
            Span<ulong> keys = stackalloc ulong[Longest + 1];
            Span<ulong> before = stackalloc ulong[Longest + 1];
            Span<char> recent = stackalloc char[Longest];
            before.Clear();
            var known = 0;
            var stream = new Plain(text);
            while (stream.Next() is { } c)
            {
                KeysOf(c, recent[..known], keys);
                for (var n = 1; n <= Math.Min(order, known + 1); n++)
                {
                    ref var gram = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_grams, keys[n], out var seen);
                    gram = (gram.Count + 1, n, before[n - 1], keys[n - 1]);
                    ref var context = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_contexts, before[n - 1], out _);
                    context = (context.Count + 1, context.Types + (seen ? 0 : 1));
                }

                keys.CopyTo(before);
                Push(recent, ref known, c);
            }
        }

        public void Write(BinaryWriter writer)
        {
            var probabilities = new Dictionary<ulong, double>(_grams.Count) { [0] = Unseen };
            foreach (var (key, gram) in _grams.OrderBy(g => g.Value.Order))
            {
                var context = _contexts[gram.Context];
                probabilities[key] = (gram.Count + (context.Types * probabilities.GetValueOrDefault(gram.Shorter, Unseen))) / (context.Count + (double)context.Types);
            }

            writer.Write((byte)order);
            writer.Write(_grams.Count + 1);

            // The empty context: what an unseen character costs.
            writer.Write(0UL);
            writer.Write((float)Math.Log(Unseen));
            writer.Write(Weight(0));
            foreach (var key in _grams.Keys.Order())
            {
                writer.Write(key);
                writer.Write((float)Math.Log(probabilities[key]));
                writer.Write(Weight(key));
            }
        }

        private float Weight(ulong context) => _contexts.TryGetValue(context, out var c) ? (float)Math.Log(c.Types / (double)(c.Count + c.Types)) : 0;
    }

    private sealed class Table
    {
        private readonly ulong[] _keys;
        private readonly (float Probability, float Weight)[] _values;
        private readonly int _mask;
        private float _emptyWeight;

        public Table(int order, int count)
        {
            Order = order;
            _keys = new ulong[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, count * 2))];
            _values = new (float, float)[_keys.Length];
            _mask = _keys.Length - 1;
        }

        public int Order { get; }

        public void Add(ulong key, float probability, float weight)
        {
            if (key == 0)
            {
                _emptyWeight = weight;
                return;
            }

            var slot = Slot(key);
            (_keys[slot], _values[slot]) = (key, (probability, weight));
        }

        /// <summary>Log probability of the character that ends all <paramref name="keys"/>, after the contexts <paramref name="before"/>.</summary>
        public double LogProbability(ReadOnlySpan<ulong> keys, ReadOnlySpan<ulong> before, int longest)
        {
            double back = 0;
            for (var n = longest; n >= 1; n--)
            {
                var slot = Slot(keys[n]);
                if (_keys[slot] != 0)
                {
                    return back + _values[slot].Probability;
                }

                if (n > 1)
                {
                    slot = Slot(before[n - 1]);
                    back += _keys[slot] != 0 ? _values[slot].Weight : 0;
                }
            }

            return back + _emptyWeight + Math.Log(Unseen);
        }

        private int Slot(ulong key)
        {
            var slot = (int)(key >> 32) & _mask;
            while (_keys[slot] != 0 && _keys[slot] != key)
            {
                slot = (slot + 1) & _mask;
            }

            return slot;
        }
    }
}
