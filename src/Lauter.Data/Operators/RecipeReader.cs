using System.Globalization;
using System.Text.Json.Nodes;
using Lauter.Catalog.Projects;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Lauter.Data.Operators;

/// <summary>YAML → recipe. Goes on after a fault, so that a person sees all of them at once.</summary>
internal static class RecipeReader
{
    private static readonly string[] Languages = ["en", "zh", "und"];

    public static RecipeResult Read(string name, string yaml)
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

    private static void ReadList(YamlNode node, List<OperatorCall> calls, List<YamlFault> faults)
    {
        if (node is not YamlSequenceNode list)
        {
            faults.Add(At(node, "operators", "must be a list with one operator an entry, such as '- normalise'."));
            return;
        }

        string? firstDrop = null;
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

            if (spec.Kind == OperatorKind.Drop)
            {
                firstDrop ??= operatorName;
            }
            else if (firstDrop is not null)
            {
                faults.Add(At(nameNode, operatorName, $"changes text, so it must stand before '{firstDrop}', which measures it."));
            }

            calls.Add(new OperatorCall(spec, ReadArguments(spec, arguments, faults)));
        }
    }

    private static JsonObject ReadArguments(OperatorSpec spec, YamlMappingNode? written, List<YamlFault> faults)
    {
        var result = new JsonObject();
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
                case ArgumentForm.Texts:
                    result[keyName] = new JsonArray([.. (value is YamlSequenceNode texts ? texts.Children : [value]).Select(t => (JsonNode)((t as YamlScalarNode)?.Value ?? ""))]);
                    break;
                default:
                    var items = value is YamlSequenceNode list ? [.. list.Children] : (IReadOnlyList<YamlNode>)[value];
                    result[keyName] = new JsonArray([.. items.Select(i => (JsonNode)ReadChoice(i, path, argument, faults)).DistinctBy(n => n.GetValue<string>())]);
                    break;
            }
        }

        return result;
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
