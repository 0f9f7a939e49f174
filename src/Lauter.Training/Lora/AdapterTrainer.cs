using Lauter.Training.Checkpoints;
using Lauter.Training.Decoders;
using Lauter.Training.Examples;
using Lauter.Training.Loop;
using Lauter.Training.Losses;
using Lauter.Training.Natives;
using Lauter.Training.Optimisers;

namespace Lauter.Training.Lora;

/// <summary>How the machine is used; none of it changes a result beyond rounding.</summary>
internal sealed record AdapterMachine
{
    /// <summary>Parts of a batch computed side by side, each by one core.</summary>
    public int Lanes { get; init; } = Environment.ProcessorCount;

    /// <summary>Rows (tokens, a shared prefix counted once) that all lanes compute at once; a larger step goes in several passes.</summary>
    public int PassRows { get; init; } = 2048;

    /// <summary>Memory for what the forward pass keeps, over all lanes. What does not fit is computed again.</summary>
    public long ActivationBytes { get; init; } = 800L << 20;

    /// <summary>Whether a beginning that all documents share is computed once.</summary>
    public bool SharePrefix { get; init; } = true;
}

/// <summary>
/// Trains an adapter on a frozen decoder. A step's rows are spread over lanes by length; each lane packs its rows, runs forward, scores, and runs backward.
/// Gradients of sums add up, and are divided once by the weight of the whole step: accumulation gives what one large batch gives.
/// </summary>
internal sealed unsafe class AdapterTrainer : ILearner
{
    private readonly Decoder _decoder;
    private readonly AdapterMachine _machine;
    private readonly Lanes _lanes;
    private readonly DecoderPass[] _passes;
    private readonly HeadPass[] _heads;
    private readonly LoraGradients[] _gradients;
    private readonly Dictionary<string, (double Chosen, double Rejected)> _reference = new(StringComparer.Ordinal);

    public AdapterTrainer(Decoder decoder, LoraAdapter adapter, AdapterMachine machine, Func<LoraAdapter, IReadOnlyList<LoraGradients>, Lanes, FlatAdamW>? optimiser = null)
    {
        (_decoder, Adapter, _machine) = (decoder, adapter, machine);
        _lanes = new Lanes(machine.Lanes);
        _passes = [.. Enumerable.Range(0, machine.Lanes).Select(_ => decoder.NewPass())];
        _heads = [.. Enumerable.Range(0, machine.Lanes).Select(_ => decoder.NewHeadPass())];
        _gradients = [.. Enumerable.Range(0, machine.Lanes).Select(_ => new LoraGradients(adapter))];
        Optimiser = optimiser?.Invoke(adapter, _gradients, _lanes) ?? new FlatAdamW(adapter, _gradients, _lanes);
    }

    public LoraAdapter Adapter { get; }

    public FlatAdamW Optimiser { get; }

    /// <summary>Where each lane's time went.</summary>
    public IReadOnlyList<PassMeter> Meters => [.. _passes.Select(p => p.Meter)];

    /// <summary>Null trains on the tokens themselves.</summary>
    public PreferenceLoss? Preference { get; init; }

    /// <summary>How strongly a preference pulls away from the reference.</summary>
    public double Beta { get; init; } = 0.1;

    /// <summary>The margin that SimPO asks for.</summary>
    public double Gamma { get; init; } = 0.5;

    /// <summary>Part of the loss that asks for the teacher's distribution, where a row has one.</summary>
    public double TeacherWeight { get; init; } = 0.5;

    public float[][] Weights
    {
        get => [Adapter.Values.ToArray()];
        set
        {
            value[0].CopyTo(Adapter.Values);
            _decoder.Cache.Invalidate();
        }
    }

    public float[][] State
    {
        get => Optimiser.State;
        set => Optimiser.State = value;
    }

    public StepSums Accumulate(IReadOnlyList<TrainingExample> examples, int step) => Preference is { } loss ? Prefer(loss, examples) : Run(examples, Imitate);

    /// <summary>Also adds the lanes together.</summary>
    public double GradientNorm() => Optimiser.SumGradients();

    public void Discard() => Array.ForEach(_gradients, g => g.Clear());

    public void Move(int step, double rate, double scale)
    {
        Optimiser.Step(step, rate, scale);
        _decoder.Cache.Invalidate();
    }

    /// <summary>Loss and accuracy without a gradient; null without examples.</summary>
    public ValidationResult? Measure(IReadOnlyList<TrainingExample> examples) => Measure(examples, withAdapter: true);

    /// <summary>The same of the base alone, when <paramref name="withAdapter"/> is false.</summary>
    public ValidationResult? Measure(IReadOnlyList<TrainingExample> examples, bool withAdapter)
    {
        if (examples.Count == 0)
        {
            return null;
        }

        var sums = Run(examples, (lane, mine) =>
        {
            var scored = Score(lane, mine, withAdapter ? Adapter : null, backward: false);
            return Tally(scored, mine, scored.Logs.Zip(scored.Pack.Weights, (l, w) => -(double)l * w).Sum(), scored.Pack.Weights.Sum(w => (double)w));
        });
        return new ValidationResult(examples.Count, sums.Loss / sums.Weight, (double)sums.Exact / examples.Count, (double)sums.Hits / sums.Trained);
    }

    /// <summary>Sums of log-probabilities of each row's answers under the base without its adapter, once for each row.</summary>
    public IReadOnlyDictionary<string, (double Chosen, double Rejected)> Reference(IReadOnlyList<TrainingExample> examples)
    {
        var missing = examples.Where(e => !_reference.ContainsKey(e.Id)).ToArray();
        Run(missing, (lane, mine) =>
        {
            var scored = Score(lane, mine, null, backward: false);
            lock (_reference)
            {
                for (var i = 0; i < mine.Count; i++)
                {
                    _reference[mine[i].Id] = scored.Sums(mine, i);
                }
            }

            return default;
        });
        return _reference;
    }

    public void Dispose()
    {
        _lanes.Dispose();
        Optimiser.Dispose();
        Array.ForEach(_passes, p => p.Dispose());
        Array.ForEach(_heads, h => h.Dispose());
        Array.ForEach(_gradients, g => g.Dispose());
    }

    private static StepSums Tally(Scored scored, IReadOnlyList<TrainingExample> examples, double loss, double weight, double margin = 0)
    {
        var wrong = new HashSet<int>();
        var hits = 0;
        for (var i = 0; i < scored.Hits.Length; i++)
        {
            hits += scored.Hits[i] ? 1 : 0;
            if (!scored.Hits[i])
            {
                wrong.Add(scored.Pack.Owners[i]);
            }
        }

        return new StepSums(loss, weight, scored.Pack.DocumentTokens + scored.Pack.Documents, scored.Hits.Length, hits, examples.Count - wrong.Count, margin);
    }

    private StepSums Imitate(int lane, IReadOnlyList<TrainingExample> examples)
    {
        var scored = Score(lane, examples, Adapter, backward: true, pack => Array.ConvertAll(pack.Weights, w => -w), examples.Any(e => e.Teacher is not null) ? pack => Teach(pack, examples) : null);
        _passes[lane].Backward(scored.Features, _gradients[lane]);
        return Tally(scored, examples, scored.Logs.Zip(scored.Pack.Weights, (l, w) => -(double)l * w).Sum(), scored.Pack.Weights.Sum(w => (double)w));
    }

    /// <summary>Each prediction's distribution: the teacher's, mixed with the recorded token.</summary>
    private TeacherTarget?[] Teach(Pack pack, IReadOnlyList<TrainingExample> examples) =>
        [.. pack.Owners.Select((owner, i) => examples[owner].Teacher?[pack.Places[i]]?.MixedWith(pack.Targets[i], TeacherWeight))];

    private StepSums Prefer(PreferenceLoss loss, IReadOnlyList<TrainingExample> examples)
    {
        var reference = loss.NeedsReference ? Reference(examples) : null;
        var baseline = 0.0;
        if (!loss.Paired)
        {
            // The baseline counts all rows of the step, so they are scored once more before.
            var moved = Run(examples, (lane, mine) =>
            {
                var scored = Score(lane, mine, Adapter, backward: false);
                return new StepSums(mine.Select((e, i) => scored.Sums(mine, i).Chosen - reference![e.Id].Chosen).Sum(), mine.Count, 0, 0, 0, 0, 0);
            });
            baseline = Math.Max(0, moved.Loss / moved.Weight);
        }

        return Run(examples, (lane, mine) =>
        {
            var scored = Score(lane, mine, Adapter, backward: true);
            var slopes = new double[scored.Pack.Documents];
            double sum = 0, margin = 0;
            var document = 0;
            for (var i = 0; i < mine.Count; i++)
            {
                var (chosen, rejected) = scored.Sums(mine, i);
                var (chosenBefore, rejectedBefore) = reference?[mine[i].Id] ?? default;
                var value = loss.Of(
                    new PreferenceScores(chosen, mine[i].TrainedCount, rejected, mine[i].Rejected?.TrainedCount ?? 0, chosenBefore, rejectedBefore, mine[i].Desirable, baseline), Beta, Gamma);
                sum += value.Loss;
                margin += Beta * (chosen - chosenBefore - (rejected - rejectedBefore));
                slopes[document++] = value.ChosenSlope;
                if (mine[i].Rejected is not null)
                {
                    slopes[document++] = value.RejectedSlope;
                }
            }

            var perRow = Array.ConvertAll(scored.Pack.Owners, d => (float)slopes[d]);
            _heads[lane].Score(scored.Features, scored.Pack.Targets, scored.Logs, perRow, null);
            _passes[lane].Backward(scored.Features, _gradients[lane]);
            return Tally(scored, mine, sum, mine.Count, margin);
        });
    }

    /// <summary>Forward pass and log-probabilities; with <paramref name="slopes"/> the features are their gradient afterwards.</summary>
    private Scored Score(
        int lane, IReadOnlyList<TrainingExample> examples, LoraAdapter? adapter, bool backward, Func<Pack, float[]>? slopes = null, Func<Pack, TeacherTarget?[]>? teacher = null)
    {
        List<(int[], float[])> documents = [];
        foreach (var example in examples)
        {
            documents.Add(example.Document());
            if (example.Rejected is { } rejected)
            {
                documents.Add(rejected.Document());
            }
        }

        var pack = Pack.Of(documents, _machine.SharePrefix);
        var features = _passes[lane].Forward(pack, _decoder.Head.Embed, pack.Predictions, adapter, backward ? Keep(pack) : null);
        var scored = new Scored(pack, (nint)features, new float[pack.Targets.Length], new bool[pack.Targets.Length]);
        _passes[lane].Meter.Mark(Part.Elementwise);
        _heads[lane].Score(features, pack.Targets, scored.Logs, slopes?.Invoke(pack), scored.Hits, teacher?.Invoke(pack));
        _passes[lane].Meter.Mark(Part.Head);
        return scored;
    }

    /// <summary>Keeps as much as the memory allows: gate and up go first, for they cost least to compute again per byte; whole layers after them.</summary>
    private Keeping[] Keep(Pack pack)
    {
        var layers = _decoder.Shape.Layers;
        var budget = _machine.ActivationBytes / _machine.Lanes / sizeof(float) / Math.Max(1, pack.Rows);
        long all = LayerState.FloatsPerRow(_decoder.Shape, Keeping.All), some = LayerState.FloatsPerRow(_decoder.Shape, Keeping.WithoutGate), least = LayerState.FloatsPerRow(_decoder.Shape, Keeping.Input);
        var excess = (all * layers) - budget;
        var withoutGate = (int)Math.Clamp((excess + all - some - 1) / (all - some), 0, layers);
        excess -= withoutGate * (all - some);
        var inputs = (int)Math.Clamp((excess + some - least - 1) / (some - least), 0, layers);
        return [.. Enumerable.Range(0, layers).Select(i => i < inputs ? Keeping.Input : i < withoutGate ? Keeping.WithoutGate : Keeping.All)];
    }

    private StepSums Run(IReadOnlyList<TrainingExample> examples, Func<int, IReadOnlyList<TrainingExample>, StepSums> work)
    {
        if (examples.Count == 0)
        {
            return default;
        }

        _decoder.Prepare(examples.Max(e => Math.Max(e.Ids.Length, e.Rejected?.Ids.Length ?? 0)));
        StepSums total = default;
        foreach (var parts in Spread(examples))
        {
            var sums = new StepSums[_machine.Lanes];
            _lanes.Run(lane => sums[lane] = parts[lane].Count == 0 ? default : work(lane, parts[lane]));
            total = sums.Aggregate(total, (a, b) => a + b);
        }

        return total;
    }

    /// <summary>Passes of at most so many rows, each spread over the lanes: the longest row first, always to the emptiest place.</summary>
    private IEnumerable<List<TrainingExample>[]> Spread(IReadOnlyList<TrainingExample> examples)
    {
        var prefix = _machine.SharePrefix && examples.Count > 1 ? Pack.CommonPrefix([.. examples.Select(e => e.Document())]) : 0;
        var total = examples.Sum(e => Rows(e));
        var passes = Math.Max(1, (total + _machine.PassRows - 1) / _machine.PassRows);
        var places = Enumerable.Range(0, passes * _machine.Lanes).Select(_ => new List<TrainingExample>()).ToArray();
        var filled = new int[places.Length];
        foreach (var example in examples.Select((e, i) => (Example: e, Index: i)).OrderByDescending(e => Rows(e.Example)).ThenBy(e => e.Index))
        {
            var place = Array.IndexOf(filled, filled.Min());
            places[place].Add(example.Example);
            filled[place] += Rows(example.Example);
        }

        for (var pass = 0; pass < passes; pass++)
        {
            yield return places[(pass * _machine.Lanes)..((pass + 1) * _machine.Lanes)];
        }

        int Rows(TrainingExample e) => e.Length - (prefix * (e.Rejected is null ? 1 : 2));
    }

    private sealed record Scored(Pack Pack, nint Address, float[] Logs, bool[] Hits)
    {
        public float* Features => (float*)Address;

        /// <summary>Sums of log-probabilities of a row's answers.</summary>
        public (double Chosen, double Rejected) Sums(IReadOnlyList<TrainingExample> examples, int index)
        {
            var document = examples.Take(index).Sum(e => e.Rejected is null ? 1 : 2);
            double chosen = 0, rejected = 0;
            for (var i = 0; i < Logs.Length; i++)
            {
                chosen += Pack.Owners[i] == document ? Logs[i] : 0;
                rejected += examples[index].Rejected is not null && Pack.Owners[i] == document + 1 ? Logs[i] : 0;
            }

            return (chosen, rejected);
        }
    }
}
