using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Lauter.Catalog.Projects;

/// <summary>One mistake in a YAML file, with the place where a person can mend it.</summary>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1.</param>
/// <param name="Key">The path of keys, for example <c>trainings.triage-sft.base</c>.</param>
/// <param name="Message">What is wrong, the value seen, the way out.</param>
public sealed record YamlFault(int Line, int Column, string Key, string Message)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Line}:{Column} {Key}: {Message}";
}

/// <summary>
/// Reads one mapping of a YAML file key by key, and collects every fault instead of stopping at the first: unknown keys (with the
/// nearest valid name), missing keys, wrong types, values out of range. Not thread-safe.
/// </summary>
public sealed class YamlMap
{
    private readonly YamlMappingNode _node;
    private readonly List<YamlFault> _faults;
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    private YamlMap(YamlMappingNode node, string path, List<YamlFault> faults) => (_node, Path, _faults) = (node, path, faults);

    /// <summary>The path of keys down to this mapping; empty for the whole file.</summary>
    public string Path { get; }

    /// <summary>Parses a whole file. Null when it isn't a mapping at all; the reason is then in <paramref name="faults"/>.</summary>
    public static YamlMap? Parse(string text, List<YamlFault> faults)
    {
        try
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            if (stream.Documents is [{ RootNode: YamlMappingNode root }])
            {
                return new YamlMap(root, "", faults);
            }

            faults.Add(new YamlFault(1, 1, "", "the file must hold one mapping, such as 'project: NAME' on its first line."));
        }
        catch (YamlException e)
        {
            faults.Add(new YamlFault((int)e.Start.Line, (int)e.Start.Column, "", $"this is not valid YAML: {e.InnerException?.Message ?? e.Message}"));
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            // The parser has two more ways to refuse: a key of more than 1,024 characters, and a value where none may stand. Both were found by fuzzing.
            faults.Add(new YamlFault(1, 1, "", $"this is not valid YAML: {e.Message}"));
        }

        return null;
    }

    /// <summary>The keys as written.</summary>
    public IEnumerable<string> Keys => _node.Children.Keys.OfType<YamlScalarNode>().Select(k => k.Value ?? "");

    /// <summary>True when the key is written; marks it as known.</summary>
    public bool Has(string key) => Find(key) is not null;

    /// <summary>A string, or null (and a fault when <paramref name="required"/>).</summary>
    public string? Text(string key, bool required = false)
    {
        switch (Find(key))
        {
            case null:
                if (required)
                {
                    Fault(key, "is missing.");
                }

                return null;
            case YamlScalarNode { Value: { Length: > 0 } value }:
                return value;
            case var other:
                Fault(key, $"must be a text, but is {Describe(other)}.");
                return null;
        }
    }

    /// <summary>One of <paramref name="choices"/>.</summary>
    public string? Choice(string key, IReadOnlyCollection<string> choices, bool required = false)
    {
        var value = Text(key, required);
        if (value is null || choices.Contains(value))
        {
            return value;
        }

        Fault(key, $"'{value}' is not known.{NearestName.Suggest(value, choices)}");
        return null;
    }

    /// <summary>A reference to a thing that is defined elsewhere in the file.</summary>
    public string? Reference(string key, string what, IReadOnlyCollection<string> defined, bool required = false)
    {
        var value = Text(key, required);
        if (value is null || defined.Contains(value))
        {
            return value;
        }

        Fault(key, $"there is no {what} '{value}'.{NearestName.Suggest(value, defined)}");
        return null;
    }

    /// <summary>A number within [<paramref name="minimum"/>, <paramref name="maximum"/>].</summary>
    public double? Number(string key, double minimum, double maximum)
    {
        if (Text(key) is not { } text)
        {
            return null;
        }

        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= minimum && value <= maximum)
        {
            return value;
        }

        Fault(key, $"must be a number from {minimum} to {maximum}, but is '{text}'.");
        return null;
    }

    /// <summary>A whole number within [<paramref name="minimum"/>, <paramref name="maximum"/>].</summary>
    public int? Integer(string key, int minimum, int maximum)
    {
        if (Text(key) is not { } text)
        {
            return null;
        }

        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= minimum && value <= maximum)
        {
            return value;
        }

        Fault(key, $"must be a whole number from {minimum} to {maximum}, but is '{text}'.");
        return null;
    }

    /// <summary>true or false.</summary>
    public bool? Flag(string key)
    {
        if (Text(key) is not { } text)
        {
            return null;
        }

        if (bool.TryParse(text, out var value))
        {
            return value;
        }

        Fault(key, $"must be true or false, but is '{text}'.");
        return null;
    }

    /// <summary>A list of texts; one text alone counts as a list of one.</summary>
    public IReadOnlyList<string> Texts(string key, bool required = false)
    {
        switch (Find(key))
        {
            case null:
                if (required)
                {
                    Fault(key, "is missing.");
                }

                return [];
            case YamlScalarNode { Value: { Length: > 0 } value }:
                return [value];
            case YamlSequenceNode list when list.Children.All(c => c is YamlScalarNode { Value.Length: > 0 }):
                return [.. list.Children.Cast<YamlScalarNode>().Select(c => c.Value!)];
            case var other:
                Fault(key, $"must be a list of texts, but is {Describe(other)}.");
                return [];
        }
    }

    /// <summary>A list of mappings; one mapping alone counts as a list of one.</summary>
    public IReadOnlyList<YamlMap> Maps(string key, bool required = false)
    {
        switch (Find(key))
        {
            case null:
                if (required)
                {
                    Fault(key, "is missing.");
                }

                return [];
            case YamlMappingNode map:
                return [new YamlMap(map, Join(key), _faults)];
            case YamlSequenceNode list when list.Children.All(c => c is YamlMappingNode):
                return [.. list.Children.Cast<YamlMappingNode>().Select((c, i) => new YamlMap(c, $"{Join(key)}[{i}]", _faults))];
            case var other:
                Fault(key, $"must be a list of mappings, but is {Describe(other)}.");
                return [];
        }
    }

    /// <summary>A nested mapping, or null (and a fault when <paramref name="required"/> or of another form).</summary>
    public YamlMap? Map(string key, bool required = false)
    {
        switch (Find(key))
        {
            case null:
                if (required)
                {
                    Fault(key, "is missing.");
                }

                return null;
            case YamlMappingNode map:
                return new YamlMap(map, Join(key), _faults);
            case var other:
                Fault(key, $"must be a mapping, but is {Describe(other)}.");
                return null;
        }
    }

    /// <summary>A nested mapping as JSON, for a room that reads it by its own rules; numbers, booleans and texts keep their type.</summary>
    public JsonObject? Json(string key) => Map(key) is { } map ? (JsonObject?)ToJson(map._node) : null;

    /// <summary>The named entries of a nested mapping, each itself a mapping.</summary>
    public IReadOnlyList<(string Name, YamlMap Map)> Entries(string key)
    {
        if (Map(key) is not { } outer)
        {
            return [];
        }

        return [.. from name in outer.Keys.ToList() let map = outer.Map(name, required: true) where map is not null select (name, map)];
    }

    /// <summary>Adds a fault at <paramref name="key"/>, or at the mapping when the key isn't written.</summary>
    public void Fault(string key, string message)
    {
        var (line, column) = Place(key);
        _faults.Add(new YamlFault(line, column, Join(key), message));
    }

    /// <summary>Reports every key that nobody asked for. Call it once, after reading.</summary>
    public void Finish()
    {
        foreach (var key in Keys.Where(k => !_asked.Contains(k)))
        {
            Fault(key, $"this key is not known here.{NearestName.Suggest(key, _asked)}");
        }
    }

    private static JsonNode? ToJson(YamlNode node)
    {
        switch (node)
        {
            case YamlMappingNode map:
                var target = new JsonObject();
                foreach (var (key, value) in map.Children)
                {
                    target[((YamlScalarNode)key).Value ?? ""] = ToJson(value);
                }

                return target;
            case YamlSequenceNode list:
                return new JsonArray([.. list.Children.Select(ToJson)]);
            case YamlScalarNode { Style: ScalarStyle.Plain } plain when decimal.TryParse(plain.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number):
                return JsonValue.Create(number);
            case YamlScalarNode { Style: ScalarStyle.Plain } plain when bool.TryParse(plain.Value, out var flag):
                return JsonValue.Create(flag);
            default:
                return JsonValue.Create(((YamlScalarNode)node).Value);
        }
    }

    private YamlNode? Find(string key)
    {
        _asked.Add(key);
        return _node.Children.TryGetValue(new YamlScalarNode(key), out var value) ? value : null;
    }

    private (int Line, int Column) Place(string key)
    {
        var written = _node.Children.Keys.FirstOrDefault(k => k is YamlScalarNode s && s.Value == key) ?? _node;
        return ((int)written.Start.Line, (int)written.Start.Column);
    }

    private string Join(string key) => key.Length == 0 ? Path : Path.Length == 0 ? key : $"{Path}.{key}";

    private static string Describe(YamlNode node) => node switch
    {
        YamlMappingNode => "a mapping",
        YamlSequenceNode => "a list",
        YamlScalarNode { Value: null or "" } => "empty",
        YamlScalarNode s => $"'{s.Value}'",
        _ => "something else",
    };
}
