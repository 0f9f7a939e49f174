using System.Text.Json;

namespace Lauter.Releases.Alerts;

/// <summary>Alerts and their deliveries, one JSON line each, appended and flushed to disk: what was raised is never lost by a crash.</summary>
/// <remarks>Safe for threads of one process, which is the one that serves.</remarks>
/// <param name="path">By custom <c>.lauter/alerts.jsonl</c>.</param>
public sealed class AlertLog(string path)
{
    private readonly Lock _gate = new();

    /// <summary>Keeps a new alert.</summary>
    public void Raise(Alert alert) => Append(new AlertLine(alert, null, 0, null, null, null));

    /// <summary>Notes an attempt of a delivery.</summary>
    /// <param name="id">The alert.</param>
    /// <param name="attempt">1 for the first.</param>
    /// <param name="delivered">When the receiver took it; null when it did not.</param>
    /// <param name="fault">Why it did not.</param>
    /// <param name="givenUp">Why there will be no other attempt; null when there will.</param>
    public void Tried(Guid id, int attempt, DateTimeOffset? delivered, string? fault, string? givenUp) => Append(new AlertLine(null, id, attempt, delivered, fault, givenUp));

    /// <summary>Every alert with its delivery, oldest first. A last line that was torn by a crash is left out.</summary>
    public IReadOnlyList<AlertState> Read()
    {
        var states = new Dictionary<Guid, AlertState>();
        var order = new List<Guid>();
        foreach (var line in Lines())
        {
            if (line.Raised is { } alert && states.TryAdd(alert.Id, new AlertState(alert, null, 0, null)))
            {
                order.Add(alert.Id);
            }
            else if (line.Id is { } id && states.TryGetValue(id, out var state))
            {
                states[id] = state with { Attempts = Math.Max(state.Attempts, line.Attempt), Delivered = state.Delivered ?? line.Delivered, GivenUp = state.GivenUp ?? line.GivenUp };
            }
        }

        return [.. order.Select(id => states[id])];
    }

    private IEnumerable<AlertLine> Lines()
    {
        string[] lines;
        lock (_gate)
        {
            if (!File.Exists(path))
            {
                yield break;
            }

            lines = File.ReadAllLines(path);
        }

        for (var i = 0; i < lines.Length; i++)
        {
            AlertLine? line = null;
            try
            {
                line = JsonSerializer.Deserialize(lines[i], AlertJson.Default.AlertLine);
            }
            catch (JsonException e) when (i < lines.Length - 1)
            {
                throw new InvalidDataException($"{path}, line {i + 1} is damaged: {e.Message} Remove the line to go on.", e);
            }
            catch (JsonException)
            {
                // The last line of a process that died while it wrote it.
            }

            if (line is not null)
            {
                yield return line;
            }
        }
    }

    private void Append(AlertLine line)
    {
        lock (_gate)
        {
            using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
            DropTornTail(file);
            file.Write(JsonSerializer.SerializeToUtf8Bytes(line, AlertJson.Default.AlertLine));
            file.WriteByte((byte)'\n');
            file.Flush(flushToDisk: true);
        }
    }

    /// <summary>Puts the position after the last whole line.</summary>
    private static void DropTornTail(FileStream file)
    {
        var end = file.Length;
        while (end > 0)
        {
            file.Position = end - 1;
            if (file.ReadByte() == '\n')
            {
                break;
            }

            end--;
        }

        file.SetLength(end);
        file.Position = end;
    }
}
