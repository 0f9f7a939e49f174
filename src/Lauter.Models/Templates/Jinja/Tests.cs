using System.Numerics;

namespace Lauter.Models.Templates.Jinja;

/// <summary>What may follow <c>is</c>.</summary>
internal static class Tests
{
    private static readonly Dictionary<string, Func<object?, Arguments, bool>> All = new(StringComparer.Ordinal)
    {
        ["defined"] = (value, _) => value is not Undefined,
        ["undefined"] = (value, _) => value is Undefined,
        ["none"] = (value, _) => value is null,
        ["string"] = (value, _) => value is Text,
        ["mapping"] = (value, _) => value is Mapping,
        ["iterable"] = (value, _) => value is Text or Sequence or Mapping or Generator or Undefined,
        ["sequence"] = (value, _) => value is Text or Sequence or Mapping or Undefined,
        ["number"] = (value, _) => Operations.IsNumber(value),
        ["integer"] = (value, _) => value is BigInteger,
        ["float"] = (value, _) => value is double,
        ["boolean"] = (value, _) => value is bool,
        ["true"] = (value, _) => value is true,
        ["false"] = (value, _) => value is false,
        ["callable"] = (value, _) => value is Callable or Loop,
        ["odd"] = (value, _) => !Integer(value).IsEven,
        ["even"] = (value, _) => Integer(value).IsEven,
        ["divisibleby"] = (value, arguments) => (Integer(value) % Integer(arguments.Get(0, "num"))).IsZero,
        ["sameas"] = (value, arguments) => Operations.IsNumber(value) ? Equals(value, arguments.Get(0, "other")) : ReferenceEquals(value, arguments.Get(0, "other")),
        ["in"] = (value, arguments) => Operations.Contains(arguments.Get(0, "seq"), value),
        ["lower"] = (value, _) => Spelling.Of(value).Value is var text && text.Any(char.IsLower) && !text.Any(char.IsUpper),
        ["upper"] = (value, _) => Spelling.Of(value).Value is var text && text.Any(char.IsUpper) && !text.Any(char.IsLower),
        ["escaped"] = (_, _) => false,
        ["filter"] = (value, _) => value is Text text && Filters.Exists(text.Value),
        ["test"] = (value, _) => value is Text text && Exists(text.Value),
    };

    static Tests()
    {
        foreach (var (names, holds) in new (string[] Names, Func<object?, object?, bool> Holds)[]
        {
            (["equalto", "eq", "=="], (a, b) => Operations.AreEqual(a, b)),
            (["ne", "!="], (a, b) => !Operations.AreEqual(a, b)),
            (["lt", "lessthan", "<"], (a, b) => Operations.Compare(a, b, "<") == -1),
            (["le", "<="], (a, b) => Operations.Compare(a, b, "<=") is -1 or 0),
            (["gt", "greaterthan", ">"], (a, b) => Operations.Compare(a, b, ">") == 1),
            (["ge", ">="], (a, b) => Operations.Compare(a, b, ">=") is 1 or 0),
        })
        {
            foreach (var name in names)
            {
                All[name] = (value, arguments) => holds(value, arguments.Get(0, "other"));
            }
        }
    }

    public static bool Exists(string name) => All.ContainsKey(name);

    public static bool Holds(string name, object? value, Arguments arguments) => All.TryGetValue(name, out var test)
        ? test(value, arguments)
        : throw Operations.Fault($"there is no test named '{name}'");

    private static BigInteger Integer(object? value) => Operations.Whole(value) ?? throw Operations.Fault($"an integer is needed, not {Spelling.TypeOf(value)}");
}
