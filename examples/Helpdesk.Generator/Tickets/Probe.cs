using System.Globalization;

namespace Helpdesk.Generator.Tickets;

/// <summary>
/// Measures how hard the tickets are, before anyone trains on them: intent accuracy of the nearest labelled example
/// (cosine of TF-IDF) and of a linear model over the same terms, on a fifth of the reviewed tickets.
/// </summary>
internal static class Probe
{
    public static void Run(IReadOnlyList<Filed> tickets, TextWriter output)
    {
        var fifth = tickets.Count / 5;
        var copied = tickets.Where(t => t.Ticket.Original is not null).SelectMany(t => new[] { t.Ticket, t.Ticket.Original! })
            .ToHashSet((IEqualityComparer<Ticket>)ReferenceEqualityComparer.Instance);
        var test = tickets.Where(t => t.Row.Reviewed && !copied.Contains(t.Ticket)).Where((_, i) => i % 5 < 2).Take(fifth).ToList();
        var held = test.Select(t => t.Row.Id).ToHashSet(StringComparer.Ordinal);
        var train = tickets.Where(t => !held.Contains(t.Row.Id)).ToList();

        var vectors = Vectors(train, test);
        var nearest = test.Select(t => train.MaxBy(c => Dot(vectors[t.Row.Id], vectors[c.Row.Id]))!.Row.Intent).ToList();
        Report("nearest example", test, nearest, output);
        Report("linear model", test, Linear(train, test, vectors), output);
    }

    private static void Report(string name, List<Filed> test, List<string> answers, TextWriter output)
    {
        double Accuracy(Func<Filed, bool> of) => test.Zip(answers).Where(p => of(p.First)).Average(p => p.First.Row.Intent == p.Second ? 1.0 : 0.0);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name}: {Accuracy(_ => true):F3} of {test.Count} (en {Accuracy(t => t.Row.Language == "en"):F3}, zh {Accuracy(t => t.Row.Language == "zh"):F3})"));
        foreach (var miss in test.Zip(answers).Where(p => p.First.Row.Intent != p.Second).Take(name[0] == 'l' ? 12 : 0))
        {
            output.WriteLine($"  {miss.First.Row.Id} {miss.First.Row.Intent} read as {miss.Second}: {miss.First.Row.Text.ReplaceLineEndings(" ")}");
        }
    }

    private static List<string> Linear(List<Filed> train, List<Filed> test, Dictionary<string, Dictionary<int, float>> vectors)
    {
        var intents = train.Select(t => t.Row.Intent).Distinct(StringComparer.Ordinal).ToList();
        var weights = intents.Select(_ => new Dictionary<int, float>()).ToList();
        for (var epoch = 0; epoch < 15; epoch++)
        {
            foreach (var row in train)
            {
                var scores = Scores(weights, vectors[row.Row.Id]);
                for (var k = 0; k < intents.Count; k++)
                {
                    var step = 5f / MathF.Sqrt(1 + epoch) * ((intents[k] == row.Row.Intent ? 1 : 0) - (float)scores[k]);
                    foreach (var (term, value) in vectors[row.Row.Id])
                    {
                        weights[k][term] = weights[k].GetValueOrDefault(term) + (step * value);
                    }
                }
            }
        }

        return [.. test.Select(t => intents[Array.IndexOf(Scores(weights, vectors[t.Row.Id]), Scores(weights, vectors[t.Row.Id]).Max())])];
    }

    private static double[] Scores(List<Dictionary<int, float>> weights, Dictionary<int, float> vector)
    {
        var raw = weights.Select(w => (double)Dot(vector, w)).ToArray();
        var highest = raw.Max();
        var powers = raw.Select(r => Math.Exp(r - highest)).ToArray();
        return [.. powers.Select(p => p / powers.Sum())];
    }

    private static Dictionary<string, Dictionary<int, float>> Vectors(List<Filed> train, List<Filed> test)
    {
        var index = new Dictionary<string, int>(StringComparer.Ordinal);
        var counts = train.Concat(test).ToDictionary(t => t.Row.Id, t => Terms(t.Row.Text).CountBy(w => index.TryAdd(w, index.Count) ? index.Count - 1 : index[w]).ToDictionary());
        var frequency = train.SelectMany(t => counts[t.Row.Id].Keys).CountBy(k => k).ToDictionary();
        return counts.ToDictionary(c => c.Key, c =>
        {
            var weighted = c.Value.ToDictionary(w => w.Key, w => (float)((1 + Math.Log(w.Value)) * Math.Log((train.Count + 1.0) / (frequency.GetValueOrDefault(w.Key) + 1.0))));
            var length = MathF.Sqrt(weighted.Values.Sum(v => v * v));
            return weighted.ToDictionary(w => w.Key, w => w.Value / length);
        });
    }

    private static float Dot(Dictionary<int, float> a, Dictionary<int, float> b)
    {
        var (few, many) = a.Count < b.Count ? (a, b) : (b, a);
        var sum = 0f;
        foreach (var (term, value) in few)
        {
            sum += value * many.GetValueOrDefault(term);
        }

        return sum;
    }

    /// <summary>Latin words, Han characters and Han pairs.</summary>
    private static IEnumerable<string> Terms(string text)
    {
        var word = "";
        var previous = '\0';
        foreach (var c in text.ToLowerInvariant() + " ")
        {
            var han = c is >= '一' and <= '鿿';
            if (!han && char.IsLetterOrDigit(c))
            {
                word += c;
            }
            else if (word.Length > 0)
            {
                yield return word;
                word = "";
            }

            if (han)
            {
                yield return c.ToString();
                if (previous != '\0')
                {
                    yield return $"{previous}{c}";
                }
            }

            previous = han ? c : '\0';
        }
    }
}
