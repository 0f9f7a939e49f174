using System.CommandLine;
using Lauter.Models.Natives;
using Lauter.Training.Decoders;

namespace Lauter.Commands;

/// <summary>A model that gives log-probabilities: llama.cpp, which serves it, or our own fp32 forward pass, which trains it.</summary>
internal sealed class ModelEngine : IDisposable
{
    private readonly IDisposable _owner;

    private ModelEngine(IDisposable owner, Func<int[], float[][]> logProbabilities)
    {
        _owner = owner;
        LogProbabilities = logProbabilities;
    }

    /// <summary>Natural-log probabilities of the next token after each prefix of the ids.</summary>
    public Func<int[], float[][]> LogProbabilities { get; }

    /// <summary><c>--engine llama|own</c>, under another name where there are two.</summary>
    public static Option<string> Option(string name = "--engine")
    {
        var option = new Option<string>(name) { Description = "llama = llama.cpp, as served; own = the fp32 forward pass that trains.", DefaultValueFactory = _ => "llama" };
        option.AcceptOnlyFromAmong("llama", "own");
        return option;
    }

    public static ModelEngine Open(string path, string engine, string? adapter, double scale, int threads, int contextLength)
    {
        if (engine == "llama")
        {
            var served = ServedModel.Open(path, adapter, (float)scale, contextLength, threads);
            return new ModelEngine(served, ids => served.LogProbabilities(ids));
        }

        if (adapter is not null)
        {
            throw new CommandException(ExitCodes.Usage, "the own engine takes merged models only: merge the adapter first, or use --engine llama.");
        }

        var network = DecoderNetwork.Open(path);
        return new ModelEngine(network, ids => Rows(network.LogProbabilities(ids)));
    }

    public void Dispose() => _owner.Dispose();

    private static float[][] Rows(float[,] all)
    {
        var rows = new float[all.GetLength(0)][];
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i] = new float[all.GetLength(1)];
            Buffer.BlockCopy(all, i * rows[i].Length * sizeof(float), rows[i], 0, rows[i].Length * sizeof(float));
        }

        return rows;
    }
}
