using LLama.Native;
using Lauter.Inference.Adapters;

namespace Lauter.Inference.Scheduler;

/// <summary>
/// Fills the batch of one step:
/// 1. the adapter whose turn it is; 2. the newest token of each of its decoding sequences, with guesses behind it where they pay; 3. within the budget, prompts: first those that
/// were left out too long, then those of the tenant that got least, then the oldest. A prompt that begins like one already in this batch
/// waits a step and takes the common part from the prefix tree. Scheduler's thread only.
/// </summary>
internal sealed class StepPlanner(SequencePool pool, StepBudget budget, int mostPromptTokens, int mostGuessed)
{
    /// <summary>After this many steps without its turn a prompt comes first whatever its tenant got.</summary>
    public const int LongestWait = 100;

    private const int LargestPool = 257;
    private readonly AdapterTurns _turns = new();
    private readonly Dictionary<string, long> _promptTokensOf = new(StringComparer.Ordinal);

    public LLamaBatch Batch { get; } = new();

    /// <summary>Sequences with tokens in the batch.</summary>
    public List<Sequence> Members { get; } = [];

    public LoadedAdapter? Adapter { get; private set; }

    public int PromptTokens { get; private set; }

    public int Decoding { get; private set; }

    /// <summary>Guessed tokens in the batch.</summary>
    public int Guessed { get; private set; }

    /// <summary>Longest run of steps in which an active sequence was left out, of all time.</summary>
    public int LongestWaitSeen { get; private set; }

    /// <summary>Builds the batch; false when no sequence is active.</summary>
    public bool Build()
    {
        var tries = 0;
        do
        {
            if (++tries > LargestPool)
            {
                throw new InvalidOperationException("No sequence can go on, though the cells suffice for one: their account is wrong.");
            }

            Batch.Clear();
            Members.Clear();
            pool.Reserved = 0;
            (PromptTokens, Decoding, Guessed) = (0, 0, 0);
            if (pool.Active.Count == 0)
            {
                return false;
            }

            Adapter = _turns.Next(pool.Active);
            pool.MakeRoom(() => pool.Active.Count(IsDecoding));
            Decoding = pool.Active.Count(IsDecoding);
            // Guesses never make a step larger that carries prompts.
            var guesses = mostGuessed > 0 && !pool.Active.Exists(sequence => sequence.Job.Adapter == Adapter && sequence.IsPrefilling);
            double expected = Decoding;
            foreach (var sequence in pool.Active.Where(IsDecoding))
            {
                Add(sequence, 1);
                if (guesses)
                {
                    Guess(sequence, ref expected);
                }
            }

            AddPrompts();
            if (Batch.TokenCount == 0 && pool.Active.Count > 1)
            {
                // Prompts took all cells between them and none can go on.
                pool.StepBack();
            }
        }
        while (Batch.TokenCount == 0);

        foreach (var sequence in pool.Active)
        {
            sequence.StepsWaited = sequence.InBatch > 0 && Members.Contains(sequence) ? 0 : sequence.StepsWaited + 1;
            LongestWaitSeen = Math.Max(LongestWaitSeen, sequence.StepsWaited);
        }

        return true;
    }

    private bool IsDecoding(Sequence sequence) => sequence.Job.Adapter == Adapter && !sequence.IsPrefilling;

    /// <summary>
    /// Guesses behind a sequence's newest token, as many as are expected to bring more tokens than the larger step costs time: on a processor a step of
    /// four tokens takes about 2.6 times one of one, so only text that repeats itself pays.
    /// </summary>
    private void Guess(Sequence sequence, ref double expected)
    {
        var drafts = sequence.Drafts ??= new Drafts();
        var guesses = drafts.Next(sequence.Tokens, Math.Min(Math.Min(mostGuessed, sequence.Remaining - 1), pool.Free));
        while (!guesses.IsEmpty && drafts.Expected(guesses.Length) <= expected * budget.Growth(Batch.TokenCount, guesses.Length))
        {
            guesses = guesses[..^1];
        }

        if (guesses.IsEmpty)
        {
            drafts.Rest();
            return;
        }

        expected += drafts.Expected(guesses.Length);
        foreach (var guess in guesses)
        {
            Batch.Add((LLamaToken)guess, (LLamaPos)(sequence.Position + sequence.Guessed.Count + 1), (LLamaSeqId)sequence.Id, true);
            sequence.Guessed.Add(guess);
        }

        pool.Reserved += guesses.Length;
        Guessed += guesses.Length;
    }

    private void AddPrompts()
    {
        var waiting = pool.Active.Where(sequence => sequence.Job.Adapter == Adapter && sequence.IsPrefilling).ToList();
        if (waiting.Count == 0)
        {
            return;
        }

        foreach (var gone in _promptTokensOf.Keys.Except(pool.Active.Select(sequence => sequence.Job.Key.Tenant)).ToArray())
        {
            _promptTokensOf.Remove(gone);
        }

        var least = _promptTokensOf.Count == 0 ? 0 : _promptTokensOf.Values.Min();
        waiting.ForEach(sequence => _promptTokensOf.TryAdd(sequence.Job.Key.Tenant, least));
        var left = Math.Min(mostPromptTokens, budget.PromptTokens(Decoding));
        left = Math.Min(left, pool.RoomFor(left));
        while (left > 0 && waiting.Count > 0)
        {
            var next = waiting.MinBy(sequence => (sequence.StepsWaited < LongestWait, _promptTokensOf[sequence.Job.Key.Tenant], sequence.Order))!;
            waiting.Remove(next);
            if (next.Shares && pool.Tree is { } tree && next.Hold.End == next.Position)
            {
                var taken = tree.Advance(next.Hold, next.Tokens);
                next.Position += taken;
                next.Job.CachedTokens += next.Returned ? 0 : taken;
                if (Follows(next))
                {
                    continue;
                }
            }

            // One that waited too long gets on, but does not make up for all of it at once.
            var most = next.StepsWaited >= LongestWait ? Math.Min(left, StepBudget.Least) : left;
            var count = Math.Min(Math.Min(most, next.Pending), pool.RoomFor(Math.Min(most, next.Pending)));
            if (count == 0)
            {
                // What came back from outside the cache took the cells that were free.
                break;
            }

            Add(next, count);
            left -= count;
            PromptTokens += count;
            _promptTokensOf[next.Job.Key.Tenant] += count;
        }
    }

    /// <summary>Whether a prompt in this batch computes what this one needs next.</summary>
    private bool Follows(Sequence sequence) => Members.Exists(leader =>
        leader.IsPrefilling && leader.Shares && leader.Hold.Node == sequence.Hold.Node && leader.Position == sequence.Position && leader.Job.Key == sequence.Job.Key
        && Common(leader, sequence) >= Math.Min(StepBudget.Least, leader.InBatch));

    private static int Common(Sequence leader, Sequence sequence)
    {
        var count = 0;
        while (count < leader.InBatch && sequence.Position + count < sequence.Tokens.Count - 1
            && leader.Tokens[leader.Position + count] == sequence.Tokens[sequence.Position + count])
        {
            count++;
        }

        return count;
    }

    private void Add(Sequence sequence, int count)
    {
        var all = sequence.Job.PromptLogProbabilities >= 0 && sequence.Generated == 0;
        sequence.Output = -1;
        for (var index = 0; index < count; index++)
        {
            var position = sequence.Position + index;
            var isLast = position == sequence.Tokens.Count - 1;
            var output = Batch.Add((LLamaToken)sequence.Tokens[position], (LLamaPos)position, (LLamaSeqId)sequence.Id, all || isLast);
            if (all ? index == 0 : isLast)
            {
                sequence.Output = output;
            }
        }

        sequence.InBatch = count;
        sequence.Guessed.Clear();
        pool.Reserved += count;
        Members.Add(sequence);
    }
}
