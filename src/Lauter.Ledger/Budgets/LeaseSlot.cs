namespace Lauter.Ledger.Budgets;

/// <summary>
/// The lease of this process on one budget in one window, in memory: granted = reserved by requests in flight + settled + free. Only a
/// reservation that does not fit touches the database.
/// </summary>
internal sealed class LeaseSlot(Budget budget, DateTimeOffset start, LeaseTable table, string holder)
{
    private readonly Lock _gate = new();
    private long _granted;
    private long _reserved;
    private long _settled;
    private bool _closed;
    private bool _busy = true;

    public Budget Budget { get; } = budget;

    public DateTimeOffset Start { get; } = start;

    public string LeaseId { get; } = Guid.CreateVersion7().ToString("N");

    public (long Reserved, long Settled) State
    {
        get
        {
            lock (_gate)
            {
                return (_reserved, _settled);
            }
        }
    }

    /// <summary>Reserves <paramref name="worst"/> nano-units.</summary>
    /// <param name="worst">The most that the request can cost.</param>
    /// <param name="limits">The budget as it stands now: its limit may have changed since the slot was made.</param>
    /// <param name="available">What could have been reserved.</param>
    /// <param name="exceeds">True when a budget that only measures would have refused.</param>
    public LeaseAnswer TryReserve(long worst, Budget limits, out long available, out bool exceeds)
    {
        lock (_gate)
        {
            exceeds = false;
            var free = _granted - _reserved - _settled;
            available = free;
            if (_closed)
            {
                return LeaseAnswer.Closed;
            }

            if (free < worst)
            {
                // A fiftieth of the limit at a time keeps the database out of the hot path and leaves the rest to other holders.
                var (added, left) = table.Grant(LeaseId, holder, limits, Start, worst - free, limits.Limit.NanoUnits / 50);
                available = free + Math.Max(left, 0);
                if (added == 0)
                {
                    return LeaseAnswer.DoesNotFit;
                }

                exceeds = left < worst - free;
                _granted += added;
            }

            _reserved += worst;
            _busy = true;
            return LeaseAnswer.Reserved;
        }
    }

    public void Settle(long worst, long actual)
    {
        lock (_gate)
        {
            _reserved -= worst;
            _settled += actual;
        }
    }

    /// <summary>Gives what is free back to other holders.</summary>
    public void ReturnFree()
    {
        lock (_gate)
        {
            if (!_closed && _granted > _reserved + _settled)
            {
                table.Shrink(LeaseId, _reserved + _settled);
                _granted = _reserved + _settled;
            }
        }
    }

    /// <summary>Ends the lease when nothing is in flight and nothing was reserved since the last call.</summary>
    public bool TryCloseQuiet()
    {
        lock (_gate)
        {
            var quiet = !_busy;
            _busy = false;
            return quiet && TryClose();
        }
    }

    /// <summary>Ends the lease when nothing is in flight.</summary>
    public bool TryClose()
    {
        lock (_gate)
        {
            if (_reserved != 0)
            {
                return false;
            }

            if (!_closed)
            {
                _closed = true;
                table.Close(LeaseId, _settled);
            }

            return true;
        }
    }
}

internal enum LeaseAnswer
{
    Reserved,

    /// <summary>The limit stands in the way.</summary>
    DoesNotFit,

    /// <summary>The slot ended between being found and being asked: look again.</summary>
    Closed,
}
