using System.Globalization;
using System.Text.Json.Nodes;
using Lauter.Catalog.Projects;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Lauter.Data.Operators;

/// <summary>YAML → recipe. Goes on after a fault, so that a person sees all of them at once.</summary>
internal sealed class RecipeReader(RecipeContext context)
{
    private static readonly string[] Languages = ["en", "zh", "und"];

    public RecipeResult Read(string name, string yaml)
    {
        var faults = new List<YamlFault>();
        var calls = new List<OperatorCall>();
        var root = YamlMap.Parse(yaml, faults);
        if (root is null)
        {
            return new RecipeResult(null, faults);
        }

        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        var top = (YamlMappingNode)stream.Documents[0].RootNode;
        foreach (var (key, value) in top.Children)
        {
            var keyName = (key as YamlScalarNode)?.Value ?? "";
            if (keyName == "operators")
            {
                ReadList(value, calls, faults);
            }
            else if (keyName != "description")
            {
                faults.Add(At(key, keyName, $"'{keyName}' is not known.{NearestName.Suggest(keyName, ["operators", "description"])}"));
            }
        }

        if (!top.Children.ContainsKey(new YamlScalarNode("operators")))
        {
            faults.Add(new YamlFault(1, 1, "operators", "is missing: a recipe is a list of operators."));
        }

        return faults.Count > 0 ? new RecipeResult(null, faults) : new RecipeResult(new Recipe(name, calls), []);
    }

    private void ReadList(YamlNode node, List<OperatorCall> calls, List<YamlFault> faults)
    {
        if (node is not YamlSequenceNode list)
        {
            faults.Add(At(node, "operators", "must be a list with one operator an entry, such as '- normalise'."));
            return;
        }

        string? firstDrop = null, overall = null;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in list)
        {
            var (nameNode, arguments) = item switch
            {
                YamlScalarNode scalar => (scalar, null),
                YamlMappingNode { Children.Count: 1 } map when map.Children.First() is { Key: YamlScalarNode k, Value: YamlMappingNode v } => (k, v),
                YamlMappingNode { Children.Count: 1 } map when map.Children.First() is { Key: YamlScalarNode k, Value: YamlScalarNode { Value: "" or null } } => (k, null),
                _ => ((YamlScalarNode?)null, (YamlMappingNode?)null),
            };
            if (nameNode is null)
            {
                faults.Add(At(item, "operators", "an entry is an operator's name, or 'name: { argument: value }'."));
                continue;
            }

            var operatorName = nameNode.Value ?? "";
            if (OperatorCatalog.Find(operatorName) is not { } spec)
            {
                faults.Add(At(nameNode, "operators", $"there is no operator '{operatorName}'.{NearestName.Suggest(operatorName, [.. OperatorCatalog.All.Select(o => o.Name)])}"));
                continue;
            }

            if (!seen.Add(operatorName))
            {
                faults.Add(At(nameNode, operatorName, "stands in the recipe twice; once is enough."));
            }

            switch (spec.Kind)
            {
                case OperatorKind.Drop:
                    firstDrop ??= operatorName;
                    overall ??= OperatorCatalog.NeedsAllRows(operatorName) ? operatorName : null;
                    break;
                case OperatorKind.Select:
                    overall ??= operatorName;
                    break;
                case OperatorKind.Edit when firstDrop is not null:
                    faults.Add(At(nameNode, operatorName, $"changes text, so it must stand before '{firstDrop}', which measures it."));
                    break;
                case OperatorKind.Row:
                    firstDrop = null;
                    break;
            }

            if (overall is not null && spec.Kind == OperatorKind.Row)
            {
                faults.Add(At(nameNode, operatorName, $"must stand before '{overall}', which compares all rows with each other and so runs after it."));
            }

            calls.Add(ReadCall(nameNode, spec, arguments, faults));
        }
    }

    private OperatorCall ReadCall(YamlNode place, OperatorSpec spec, YamlMappingNode? written, List<YamlFault> faults)
    {
        var result = new JsonObject();
        var files = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var argument in spec.Arguments)
        {
            result[argument.Name] = argument.Default.DeepClone();
        }

        foreach (var (key, value) in written is null ? [] : written.Children.ToList())
        {
            var keyName = (key as YamlScalarNode)?.Value ?? "";
            if (spec.Arguments.FirstOrDefault(a => a.Name == keyName) is not { } argument)
            {
                faults.Add(At(key, spec.Name, $"has no argument '{keyName}'.{NearestName.Suggest(keyName, [.. spec.Arguments.Select(a => a.Name)])}"));
                continue;
            }

            var path = $"{spec.Name}.{keyName}";
            switch (argument.Form)
            {
                case ArgumentForm.Number:
                    result[keyName] = ReadNumber(value, path, argument, faults);
                    break;
                case ArgumentForm.NumberByLanguage when value is YamlMappingNode byLanguage:
                    foreach (var (languageKey, number) in byLanguage.Children)
                    {
                        var language = (languageKey as YamlScalarNode)?.Value ?? "";
                        if (!Languages.Contains(language))
                        {
                            faults.Add(At(languageKey, path, $"'{language}' is not a language here.{NearestName.Suggest(language, Languages)}"));
                            continue;
                        }

                        result[keyName]![language] = ReadNumber(number, $"{path}.{language}", argument, faults);
                    }

                    break;
                case ArgumentForm.NumberByLanguage:
                    var all = ReadNumber(value, path, argument, faults);
                    result[keyName] = new JsonObject { ["en"] = all, ["zh"] = all, ["und"] = all };
                    break;
                case ArgumentForm.Choice:
                    result[keyName] = ReadChoice(value, path, argument, faults);
                    break;
                case ArgumentForm.Text:
                    result[keyName] = (value as YamlScalarNode)?.Value ?? "";
                    break;
                case ArgumentForm.File or ArgumentForm.Files:
                    var names = value is YamlSequenceNode several && argument.Form == ArgumentForm.Files ? [.. several.Children] : (IReadOnlyList<YamlNode>)[value];
                    var opened = names.Select(n => ReadFile(n, path, faults)).ToList();
                    files[keyName] = [.. opened.Select(o => o.Name)];
                    result[keyName] = argument.Form == ArgumentForm.File ? opened[0].Hash : new JsonArray([.. opened.Select(o => (JsonNode)o.Hash)]);
                    break;
                case ArgumentForm.Map:
                    result[keyName] = ReadMap(value, path, faults, (node, _) => (node as YamlScalarNode)?.Value ?? "");
                    break;
                case ArgumentForm.Weights:
                    result[keyName] = ReadMap(value, path, faults, (node, at) => ReadNumber(node, at, argument, faults));
                    break;
                case ArgumentForm.Texts:
                    result[keyName] = new JsonArray([.. (value is YamlSequenceNode texts ? texts.Children : [value]).Select(t => (JsonNode)((t as YamlScalarNode)?.Value ?? ""))]);
                    break;
                default:
                    var items = value is YamlSequenceNode list ? [.. list.Children] : (IReadOnlyList<YamlNode>)[value];
                    result[keyName] = new JsonArray([.. items.Select(i => (JsonNode)ReadChoice(i, path, argument, faults)).DistinctBy(n => n.GetValue<string>())]);
                    break;
            }
        }

        foreach (var missing in spec.Arguments.Where(a => a.IsRequired && written?.Children.Keys.Any(k => (k as YamlScalarNode)?.Value == a.Name) != true))
        {
            faults.Add(At(place, spec.Name, $"needs '{missing.Name}': {missing.Summary}"));
        }

        return new OperatorCall(spec, result) { FileNames = files, Context = context };
    }

    private (string Name, string Hash) ReadFile(YamlNode node, string path, List<YamlFault> faults)
    {
        var written = (node as YamlScalarNode)?.Value ?? "";
        var name = Path.GetFullPath(Path.Combine(context.Directory, written));
        try
        {
            using var stream = File.OpenRead(name);
            return (name, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(stream)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            faults.Add(At(node, path, $"the file '{written}' can't be read: {e.Message}"));
            return (name, "");
        }
    }

    private static JsonObject ReadMap(YamlNode node, string path, List<YamlFault> faults, Func<YamlNode, string, JsonNode> read)
    {
        var map = new JsonObject();
        if (node is not YamlMappingNode pairs)
        {
            faults.Add(At(node, path, "must be a mapping, such as { name: value }."));
            return map;
        }

        // Ordered by name, so that the order in the file is no part of the recipe's key.
        foreach (var (key, value) in pairs.Children.OrderBy(c => (c.Key as YamlScalarNode)?.Value ?? "", StringComparer.Ordinal))
        {
            var name = (key as YamlScalarNode)?.Value ?? "";
            map[name] = read(value, $"{path}.{name}");
        }

        return map;
    }

    private static double ReadNumber(YamlNode node, string path, ArgumentSpec argument, List<YamlFault> faults)
    {
        if (node is YamlScalarNode scalar && double.TryParse(scalar.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            && value >= argument.Minimum && value <= argument.Maximum)
        {
            return value;
        }

        faults.Add(At(node, path, $"must be a number from {argument.Minimum} to {argument.Maximum}, but is '{(node as YamlScalarNode)?.Value ?? "a list or mapping"}'."));
        return argument.Minimum;
    }

    private static string ReadChoice(YamlNode node, string path, ArgumentSpec argument, List<YamlFault> faults)
    {
        var value = (node as YamlScalarNode)?.Value ?? "";
        if (!argument.Options.Contains(value))
        {
            faults.Add(At(node, path, $"'{value}' is not known.{NearestName.Suggest(value, argument.Options.ToArray())}"));
        }

        return value;
    }

    private static YamlFault At(YamlNode node, string key, string message) => new((int)node.Start.Line, (int)node.Start.Column, key, message);
}
