namespace Lauter.Models.Templates.Jinja;

/// <summary>Names visible at one place; assignments stay in the innermost scope.</summary>
internal sealed class Scope(Scope? outer)
{
    private readonly Dictionary<string, object?> _names = new(StringComparer.Ordinal);

    public object? this[string name]
    {
        set => _names[name] = value;
    }

    public bool TryGet(string name, out object? value)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._names.TryGetValue(name, out value))
            {
                return true;
            }
        }

        value = null;
        return false;
    }

    public IEnumerable<string> Names() => outer is null ? _names.Keys : _names.Keys.Concat(outer.Names());

    private Scope? Outer => outer;
}
