using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using LLama.Native;

namespace Lauter.Bench;

/// <summary>
/// The plain native batch loop that the engine is held against: as many sequences as callers, greedy, one decode a step; a free sequence takes
/// the next prompt, evaluated whole in a call of its own. No queue, no sharing, no wire.
/// </summary>
internal static class EnginePlain
{
    public static int Run(string model, string file, int parallel, int threads)
    {
        NativeLogConfig.llama_log_set((_, _) => { });
        NativeApi.llama_empty_call();
        var modelParameters = LLamaModelParams.Default();
        modelParameters.n_gpu_layers = 0;
        using var weights = SafeLlamaModelHandle.LoadFromFile(model, modelParameters);
        var parameters = LLamaContextParams.Default();
        parameters.n_ctx = (uint)(1_024 * parallel);
        parameters.n_batch = 1_024;
        parameters.n_ubatch = 512;
        parameters.n_seq_max = (uint)parallel;
        parameters.n_threads = threads;
        parameters.n_threads_batch = threads;
        parameters.kv_unified = true;
        using var context = SafeLLamaContextHandle.Create(weights, parameters);
        var waiting = new Queue<(int[] Prompt, int Most)>(File.ReadLines(file).Where(line => line.Length > 0).Select(line =>
        {
            var request = JsonNode.Parse(line)!;
            return (Array.ConvertAll(weights.Tokenize(request["prompt"]!.GetValue<string>(), true, false, Encoding.UTF8), token => (int)token), request["max_tokens"]!.GetValue<int>());
        }));
        var count = waiting.Count;
        using var process = Process.GetCurrentProcess();
        var cpu = process.TotalProcessorTime;
        var started = Stopwatch.GetTimestamp();
        var (input, output) = Loop(context, weights, waiting, parallel);
        process.Refresh();
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var cpuSeconds = (process.TotalProcessorTime - cpu).TotalSeconds;
        Console.WriteLine(new JsonObject
        {
            ["parallel"] = parallel, ["requests"] = count, ["seconds"] = seconds, ["cpuSeconds"] = cpuSeconds, ["input"] = input, ["output"] = output,
            ["outputPerCpuSecond"] = output / cpuSeconds, ["answersPerCpuSecond"] = count / cpuSeconds, ["outputPerSecond"] = output / seconds,
        }.ToJsonString());
        return 0;
    }

    private static (int Input, int Output) Loop(SafeLLamaContextHandle context, SafeLlamaModelHandle weights, Queue<(int[] Prompt, int Most)> waiting, int parallel)
    {
        var batch = new LLamaBatch();
        var slots = new (int Position, int Left, int Token, int Output)?[parallel];
        var (input, output) = (0, 0);
        while (waiting.Count > 0 || slots.Any(slot => slot is not null))
        {
            for (var id = 0; id < parallel && waiting.Count > 0; id++)
            {
                if (slots[id] is not null)
                {
                    continue;
                }

                var (prompt, most) = waiting.Dequeue();
                batch.Clear();
                var last = 0;
                for (var at = 0; at < prompt.Length; at++)
                {
                    last = batch.Add((LLamaToken)prompt[at], (LLamaPos)at, (LLamaSeqId)id, at == prompt.Length - 1);
                }

                Decode(context, batch);
                input += prompt.Length;
                slots[id] = Next(context, weights, id, (prompt.Length, most, 0, last), ref output);
            }

            batch.Clear();
            for (var id = 0; id < parallel; id++)
            {
                if (slots[id] is { } slot)
                {
                    slots[id] = slot with { Output = batch.Add((LLamaToken)slot.Token, (LLamaPos)slot.Position, (LLamaSeqId)id, true), Position = slot.Position + 1 };
                }
            }

            if (batch.TokenCount == 0)
            {
                continue;
            }

            Decode(context, batch);
            for (var id = 0; id < parallel; id++)
            {
                if (slots[id] is { } slot)
                {
                    slots[id] = Next(context, weights, id, slot, ref output);
                }
            }
        }

        return (input, output);
    }

    private static (int Position, int Left, int Token, int Output)? Next(
        SafeLLamaContextHandle context, SafeLlamaModelHandle weights, int id, (int Position, int Left, int Token, int Output) slot, ref int output)
    {
        var token = System.Numerics.Tensors.TensorPrimitives.IndexOfMax<float>(context.GetLogitsIth(slot.Output));
        output++;
        if (slot.Left <= 1 || ((LLamaToken)token).IsEndOfGeneration(weights))
        {
            context.MemorySequenceRemove((LLamaSeqId)id, (LLamaPos)(-1), (LLamaPos)(-1));
            return null;
        }

        return slot with { Token = token, Left = slot.Left - 1 };
    }

    private static void Decode(SafeLLamaContextHandle context, LLamaBatch batch)
    {
        if (context.Decode(batch) is not DecodeResult.Ok and var result)
        {
            throw new InvalidOperationException($"decode returned {result}");
        }
    }
}
