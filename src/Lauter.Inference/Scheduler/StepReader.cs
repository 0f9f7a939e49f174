using System.Diagnostics;
using LLama.Native;
using Lauter.Inference.Grammars;
using Lauter.Inference.Native;
using Lauter.Inference.Sampling;

namespace Lauter.Inference.Scheduler;

/// <summary>What a step did to one sequence.</summary>
/// <param name="Sampled">Tokens that were chosen: one, or more where guesses held.</param>
/// <param name="Ended">Whether the job is over; its events are published, it still has to be released.</param>
/// <param name="Error">Why it failed, or null.</param>
internal readonly record struct StepOutcome(int Sampled, bool Ended, Exception? Error = null);

/// <summary>Reads the logits of an evaluated batch: scores prompts, chooses tokens, publishes text. Scheduler's thread only.</summary>
internal sealed class StepReader(LoadedModel model, SafeLLamaContextHandle context, EngineMetrics metrics)
{
    /// <summary>Room for one vocabulary, shared by all samplers: they work one after the other.</summary>
    public SamplerScratch Scratch { get; } = new(model.VocabularySize);

    public StepOutcome Read(Sequence sequence)
    {
        var job = sequence.Job;
        var isFirst = sequence.Generated == 0;
        if (isFirst && job.PromptLogProbabilities >= 0)
        {
            ReadPrompt(sequence);
        }

        sequence.Position += sequence.InBatch;
        if (sequence.Pending > 0)
        {
            return default;
        }

        if (isFirst)
        {
            job.PromptTokens = [.. sequence.PromptTokens];
        }

        if (job.MaxTokens == 0)
        {
            return End(sequence, FinishReason.Length, sampled: 0);
        }

        for (var guess = 0; ; guess++)
        {
            var outcome = ReadToken(sequence, sequence.Output + guess, isFirst);
            if (outcome.Ended || guess == sequence.Guessed.Count || sequence.Tokens[^1] != sequence.Guessed[guess])
            {
                sequence.Drafts?.Observe(sequence.Guessed.Count, guess);
                metrics.Guesses(sequence.Guessed.Count, guess);
                return outcome with { Sampled = outcome.Sampled + guess };
            }

            // The guess is what the model says: its cell is already there.
            sequence.Position++;
        }
    }

    private StepOutcome ReadToken(Sequence sequence, int output, bool isFirst)
    {
        var job = sequence.Job;
        SampledToken token;
        try
        {
            token = sequence.Sampler.Next(context.GetLogitsIth(output), model);
        }
        catch (GrammarDeadEndException error)
        {
            metrics.Failure();
            return new StepOutcome(0, true, new GenerationFailedException(error.Message));
        }

        ObserveTimes(sequence, isFirst);
        sequence.Generated++;
        if (model.EndsGeneration(token.Token))
        {
            job.Publish(new GenerationEvent(sequence.Text.Finish(), null, FinishReason.Stop));
            return new StepOutcome(1, true);
        }

        sequence.Tokens.Add(token.Token);
        job.Publish(new GenerationEvent(sequence.Text.Add(model.Piece(token.Token)), token, null));
        if (sequence.Text.Stopped || sequence.Sampler.IsFinished)
        {
            return End(sequence, FinishReason.Stop, sampled: 1);
        }

        return sequence.Generated >= job.MaxTokens ? End(sequence, FinishReason.Length, sampled: 1) : new StepOutcome(1, false);
    }

    /// <summary>Logits at position i speak about prompt token i + 1.</summary>
    private void ReadPrompt(Sequence sequence)
    {
        var prompt = sequence.Job.Prompt;
        for (var index = 0; index < sequence.InBatch; index++)
        {
            var position = sequence.Position + index;
            if (position + 1 < prompt.Length)
            {
                var logits = context.GetLogitsIth(sequence.Output + index);
                sequence.PromptTokens.Add(TokenSampler.Describe(logits, prompt[position + 1], sequence.Job.PromptLogProbabilities, Scratch));
            }
        }

        sequence.Output += sequence.InBatch - 1;
    }

    private void ObserveTimes(Sequence sequence, bool isFirst)
    {
        var now = Stopwatch.GetTimestamp();
        if (isFirst)
        {
            metrics.TimeToFirstToken.Observe(Stopwatch.GetElapsedTime(sequence.Job.Submitted, now));
        }
        else
        {
            metrics.InterToken.Observe(Stopwatch.GetElapsedTime(sequence.LastToken, now));
        }

        sequence.LastToken = now;
    }

    private static StepOutcome End(Sequence sequence, FinishReason reason, int sampled)
    {
        // The held-back rest can itself complete a stop string only in Add, never here: Finish shows it as it is.
        var rest = sequence.Text.Stopped ? "" : sequence.Text.Finish();
        sequence.Job.Publish(new GenerationEvent(rest, null, reason));
        return new StepOutcome(sampled, true);
    }
}
