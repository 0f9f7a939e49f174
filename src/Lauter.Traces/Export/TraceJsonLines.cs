using System.Text.Json;

namespace Lauter.Traces.Export;

/// <summary>Traces as JSON lines: one record a line, in the form of the journal.</summary>
public static class TraceJsonLines
{
    /// <summary>Writes the traces.</summary>
    /// <param name="traces">Which.</param>
    /// <param name="output">Where; it stays open.</param>
    /// <param name="texts">False = request, answer and input are left out.</param>
    /// <returns>How many.</returns>
    public static int Write(IEnumerable<TraceRecord> traces, Stream output, bool texts = true)
    {
        var count = 0;
        foreach (var trace in traces)
        {
            output.Write(JsonSerializer.SerializeToUtf8Bytes(texts ? trace : trace with { Request = null, Response = null, Input = null }, TraceJson.Relaxed.TraceRecord));
            output.WriteByte((byte)'\n');
            count++;
        }

        return count;
    }

    /// <summary>One trace as JSON.</summary>
    public static string ToJson(TraceRecord trace) => JsonSerializer.Serialize(trace, TraceJson.Relaxed.TraceRecord);

    /// <summary>One feedback as JSON.</summary>
    public static string ToJson(FeedbackRecord feedback) => JsonSerializer.Serialize(feedback, TraceJson.Relaxed.FeedbackRecord);
}
