using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Lauter.Data.Export;

namespace Lauter.Retrieval.Nearest;

/// <summary>The labelled example nearest to a text.</summary>
/// <param name="Neighbour">The example; its output is the prediction.</param>
/// <param name="Score">Cosine similarity, 0 (nothing in common) to 1.</param>
public readonly record struct NearestPrediction(ExampleRow Neighbour, double Score);

/// <summary>
/// Answers with the label of the nearest example by words and character n-grams: cosine over two blocks of TF-IDF features
/// (<see cref="TextFeatures"/>) through an inverted index. Costs microseconds, needs no model: the baseline beside every trained
/// one. Immutable after building; thread-safe.
/// </summary>
public sealed class NearestExamples
{
    private const int Format = 1;
    private readonly ExampleRow[] _rows;
    private readonly ulong[] _features;
    private readonly float[] _idf;
    private readonly int[] _offsets;
    private readonly int[] _postingRows;
    private readonly float[] _postingWeights;
    private readonly Dictionary<ulong, int> _numbers;

    private NearestExamples(ExampleRow[] rows, ulong[] features, float[] idf, int[] offsets, int[] postingRows, float[] postingWeights)
    {
        _rows = rows;
        _features = features;
        _idf = idf;
        _offsets = offsets;
        _postingRows = postingRows;
        _postingWeights = postingWeights;
        _numbers = new Dictionary<ulong, int>(features.Length);
        for (var i = 0; i < features.Length; i++)
        {
            _numbers.Add(features[i], i);
        }
    }

    /// <summary>Number of examples.</summary>
    public int Count => _rows.Length;

    /// <summary>Builds the index over <paramref name="rows"/>; pass the rows that may be learned from, normally those with split <c>train</c>.</summary>
    public static NearestExamples Build(IEnumerable<ExampleRow> rows)
    {
        var kept = rows.ToArray();
        var counted = new Dictionary<ulong, float>[kept.Length];
        Parallel.For(0, kept.Length, i => counted[i] = TextFeatures.Count(kept[i].Text));
        var frequencies = new Dictionary<ulong, int>();
        foreach (var row in counted)
        {
            foreach (var feature in row.Keys)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(frequencies, feature, out _)++;
            }
        }

        var features = frequencies.Keys.Order().ToArray();
        var idf = new float[features.Length];
        var offsets = new int[features.Length + 1];
        var numbers = new Dictionary<ulong, int>(features.Length);
        for (var i = 0; i < features.Length; i++)
        {
            numbers.Add(features[i], i);
            idf[i] = (float)(Math.Log((1.0 + kept.Length) / (1 + frequencies[features[i]])) + 1);
            offsets[i + 1] = offsets[i] + frequencies[features[i]];
        }

        var postingRows = new int[offsets[^1]];
        var postingWeights = new float[offsets[^1]];
        var next = offsets.AsSpan(0, features.Length).ToArray();
        for (var row = 0; row < kept.Length; row++)
        {
            foreach (var (number, weight) in Weigh(counted[row], numbers, idf, kept.Length))
            {
                postingRows[next[number]] = row;
                postingWeights[next[number]++] = weight;
            }
        }

        return new NearestExamples(kept, features, idf, offsets, postingRows, postingWeights);
    }

    /// <summary>The nearest example and its similarity; among equals the earliest row. The first row with score 0 when nothing is shared.</summary>
    /// <exception cref="InvalidOperationException">There are no examples.</exception>
    public NearestPrediction Predict(string text) => Find(text, 1)[0];

    /// <summary>
    /// The nearest example among those with the label that the <paramref name="votes"/> nearest prefer, each vote weighted by its similarity;
    /// equal sums go to the nearer example. One vote is <see cref="Predict(string)"/>. Several outvote a wrong label.
    /// </summary>
    /// <param name="text">The text to label.</param>
    /// <param name="votes">How many examples vote, at least 1.</param>
    /// <param name="label">What they vote for, for example one field of the output; null takes the whole output.</param>
    /// <exception cref="InvalidOperationException">There are no examples.</exception>
    public NearestPrediction Predict(string text, int votes, Func<ExampleRow, string>? label = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(votes, 1);
        label ??= static row => row.Output;
        var nearest = Find(text, votes);
        var sums = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var vote in nearest)
        {
            var key = label(vote.Neighbour);
            sums[key] = sums.GetValueOrDefault(key) + vote.Score;
        }

        return nearest.MaxBy(vote => sums[label(vote.Neighbour)]);
    }

    /// <summary>The <paramref name="k"/> nearest examples, nearest first.</summary>
    /// <exception cref="InvalidOperationException">There are no examples.</exception>
    public IReadOnlyList<NearestPrediction> Find(string text, int k)
    {
        if (_rows.Length == 0)
        {
            throw new InvalidOperationException("No labelled examples to compare with: the training part of the dataset is empty.");
        }

        var scores = new double[_rows.Length];
        foreach (var (number, weight) in Weigh(TextFeatures.Count(text), _numbers, _idf, _rows.Length))
        {
            for (var i = _offsets[number]; i < _offsets[number + 1]; i++)
            {
                scores[_postingRows[i]] += (double)weight * _postingWeights[i];
            }
        }

        return [.. TopItems.Select(scores, k, positiveOnly: false).Select(item => new NearestPrediction(_rows[item.Number], Math.Min(1, item.Score)))];
    }

    /// <summary>Writes everything into one file. The same rows give the same bytes.</summary>
    public void Save(string path)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None);
        file.Write("LNEX\0"u8);
        file.WriteByte(Format);
        using var zip = new GZipStream(file, CompressionLevel.Fastest);
        using var writer = new BinaryWriter(zip, Encoding.UTF8);
        writer.Write(JsonSerializer.Serialize(_rows));
        WriteArray(writer, _features);
        WriteArray(writer, _idf);
        WriteArray(writer, _offsets);
        WriteArray(writer, _postingRows);
        WriteArray(writer, _postingWeights);
    }

    /// <summary>Reads a file that <see cref="Save"/> wrote.</summary>
    /// <exception cref="RetrievalException">The file is missing, damaged or of another format.</exception>
    public static NearestExamples Load(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            Span<byte> head = stackalloc byte[6];
            file.ReadExactly(head);
            if (!head[..5].SequenceEqual("LNEX\0"u8) || head[5] != Format)
            {
                throw new RetrievalException($"{path} is not a nearest-example file of format {Format}. Run the training step again.");
            }

            using var reader = new BinaryReader(new GZipStream(file, CompressionMode.Decompress), Encoding.UTF8);
            var rows = JsonSerializer.Deserialize<ExampleRow[]>(reader.ReadString()) ?? [];
            var loaded = new NearestExamples(
                rows, ReadArray<ulong>(reader), ReadArray<float>(reader), ReadArray<int>(reader), ReadArray<int>(reader), ReadArray<float>(reader));
            loaded.Check(path);
            return loaded;
        }
        catch (Exception fault) when (fault is IOException or InvalidDataException or JsonException or ArgumentException or FormatException or UnauthorizedAccessException)
        {
            throw new RetrievalException($"{path} cannot be read as a nearest-example file: {fault.Message} Run the training step again.", fault);
        }
    }

    /// <summary>
    /// Feature numbers with weights in which each block of features has length √½, so that a text is at 1 from itself. Features that no
    /// example has still lengthen the query: a text of mostly unknown words is near to nothing.
    /// </summary>
    private static List<(int Number, float Weight)> Weigh(Dictionary<ulong, float> counts, Dictionary<ulong, int> numbers, float[] idf, int rowCount)
    {
        var unseenIdf = Math.Log(1.0 + rowCount) + 1;
        double words = 0, grams = 0;
        var found = new List<(int Number, double Weight, bool Word)>(counts.Count);
        foreach (var (feature, count) in counts)
        {
            var known = numbers.TryGetValue(feature, out var number);
            var weight = (1 + Math.Log(count)) * (known ? idf[number] : unseenIdf);
            var word = TextFeatures.IsWord(feature);
            if (word)
            {
                words += weight * weight;
            }
            else
            {
                grams += weight * weight;
            }

            if (known)
            {
                found.Add((number, weight, word));
            }
        }

        var share = words > 0 && grams > 0 ? Math.Sqrt(0.5) : 1;
        double wordScale = words > 0 ? share / Math.Sqrt(words) : 0, gramScale = grams > 0 ? share / Math.Sqrt(grams) : 0;
        found.Sort(static (a, b) => a.Number.CompareTo(b.Number));
        return found.ConvertAll(item => (item.Number, (float)(item.Weight * (item.Word ? wordScale : gramScale))));
    }

    private void Check(string path)
    {
        var consistent = _idf.Length == _features.Length && _offsets.Length == _features.Length + 1 && _offsets[0] == 0
            && _offsets[^1] == _postingRows.Length && _postingRows.Length == _postingWeights.Length
            && _postingRows.All(row => (uint)row < (uint)_rows.Length);
        for (var i = 0; consistent && i < _features.Length; i++)
        {
            consistent = _offsets[i] <= _offsets[i + 1];
        }

        if (!consistent)
        {
            throw new RetrievalException($"{path} has tables that do not fit together ({_rows.Length} rows, {_features.Length} features, {_postingRows.Length} postings). Run the training step again.");
        }
    }

    private static void WriteArray<T>(BinaryWriter writer, T[] values)
        where T : unmanaged
    {
        writer.Write(values.Length);
        writer.Write(MemoryMarshal.AsBytes(values.AsSpan()));
    }

    private static T[] ReadArray<T>(BinaryReader reader)
        where T : unmanaged
    {
        var count = reader.ReadInt32();
        if (count is < 0 or > 500_000_000)
        {
            throw new InvalidDataException($"a table claims {count} entries.");
        }

        var values = new T[count];
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }
}
