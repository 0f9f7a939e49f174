namespace Lauter.Data.Dedup;

/// <summary>Maps a sequence on several threads and gives the results in the order of the sequence, so the number of workers changes nothing but the time.</summary>
internal static class OrderedMap
{
    /// <summary>At most <paramref name="workers"/> items are in work or wait to be taken.</summary>
    public static IEnumerable<TResult> Run<T, TResult>(IEnumerable<T> source, Func<T, TResult> map, int workers, CancellationToken cancellation)
    {
        if (workers <= 1)
        {
            foreach (var item in source)
            {
                cancellation.ThrowIfCancellationRequested();
                yield return map(item);
            }

            yield break;
        }

        var pending = new Queue<Task<TResult>>(workers);
        foreach (var item in source)
        {
            cancellation.ThrowIfCancellationRequested();
            pending.Enqueue(Task.Run(() => map(item), cancellation));
            if (pending.Count > workers)
            {
                yield return pending.Dequeue().GetAwaiter().GetResult();
            }
        }

        while (pending.TryDequeue(out var task))
        {
            yield return task.GetAwaiter().GetResult();
        }
    }
}
