namespace Lauter.Ledger.Budgets;

/// <summary>
/// Tells whether the process that holds a lease still lives: it keeps a file locked, and the kernel drops that lock however the process ends.
/// </summary>
internal sealed class LeaseHolder : IDisposable
{
    private readonly string _directory;
    private readonly FileStream _lock;

    public LeaseHolder(string ledgerPath)
    {
        _directory = ledgerPath + ".holders";
        Directory.CreateDirectory(_directory);
        Name = Guid.CreateVersion7().ToString("N");
        _lock = new FileStream(Path.Combine(_directory, Name), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
    }

    public string Name { get; }

    /// <summary>True when no living process is called <paramref name="holder"/>.</summary>
    public bool IsDead(string holder)
    {
        if (holder == Name)
        {
            return false;
        }

        var path = Path.Combine(_directory, holder);
        try
        {
            using var taken = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return true;
        }
        catch (FileNotFoundException)
        {
            return true;
        }
        catch (IOException)
        {
            return false; // locked: the holder lives
        }
    }

    /// <summary>Removes the file of a holder without leases.</summary>
    public void Forget(string holder) => File.Delete(Path.Combine(_directory, holder));

    public void Dispose()
    {
        _lock.Dispose();
        File.Delete(_lock.Name);
    }
}
