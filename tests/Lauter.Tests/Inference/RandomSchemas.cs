using System.Text.Json.Nodes;

namespace Lauter.Tests.Inference;

/// <summary>Seeded schemas of every construct that the compiler accepts.</summary>
internal sealed class RandomSchemas(Random random)
{
    private static readonly string[] Names = ["intent", "产品", "a", "ab", "abc", "x\"y", "tab\there", "urgency"];

    public JsonObject Next()
    {
        var schema = AnObject(3, top: true);
        schema["$defs"] = new JsonObject { ["leaf"] = Any(0), ["tree"] = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject { ["v"] = Any(0), ["next"] = new JsonObject { ["anyOf"] = new JsonArray(new JsonObject { ["$ref"] = "#/$defs/tree" }, new JsonObject { ["type"] = "null" }) } },
            ["required"] = new JsonArray("v"),
            ["additionalProperties"] = false,
        } };
        return schema;
    }

    private JsonObject Any(int depth) => (depth <= 0 ? random.Next(7) : random.Next(13)) switch
    {
        0 => new JsonObject { ["type"] = "boolean" },
        1 => new JsonObject { ["type"] = new JsonArray("string", "null") },
        2 => Text(),
        3 => Number("integer"),
        4 => Number("number"),
        5 => new JsonObject { ["enum"] = new JsonArray("low", "高", 3, true, null, "a\"b\\c", -1.5) },
        6 => new JsonObject { ["const"] = new JsonObject { ["k"] = new JsonArray(1, "二") } },
        7 => AnObject(depth - 1, top: false),
        8 or 9 => AnArray(depth - 1),
        10 => new JsonObject { ["anyOf"] = new JsonArray(Any(depth - 1), Any(depth - 1)) },
        11 => new JsonObject { ["$ref"] = random.Next(2) == 0 ? "#/$defs/leaf" : "#/$defs/tree" },
        _ => new JsonObject { ["oneOf"] = new JsonArray(Number("integer"), Text(), new JsonObject { ["type"] = "null" }) },
    };

    private JsonObject Text() => random.Next(4) switch
    {
        0 => new JsonObject { ["type"] = "string" },
        1 => new JsonObject { ["type"] = "string", ["format"] = random.Next(2) == 0 ? "date" : "uuid" },
        _ => random.Next(6) is var least ? new JsonObject { ["type"] = "string", ["minLength"] = least, ["maxLength"] = least + random.Next(12) } : [],
    };

    private JsonObject Number(string type)
    {
        var schema = new JsonObject { ["type"] = type };
        var least = random.Next(-1200, 1200);
        if (random.Next(3) > 0)
        {
            schema["minimum"] = least;
        }

        if (random.Next(3) > 0)
        {
            schema[type == "integer" && random.Next(2) == 0 ? "exclusiveMaximum" : "maximum"] = least + 1 + random.Next(3000);
        }

        return schema;
    }

    private JsonObject AnArray(int depth)
    {
        var least = random.Next(3);
        var schema = new JsonObject { ["type"] = "array", ["items"] = Any(depth), ["minItems"] = least, ["maxItems"] = least + random.Next(4) };
        if (random.Next(3) == 0)
        {
            schema["prefixItems"] = new JsonArray(Any(depth), Any(depth));
        }

        return schema;
    }

    private JsonObject AnObject(int depth, bool top)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (var name in Names.Where(_ => random.Next(2) == 0))
        {
            properties[name] = Any(depth);
            if (random.Next(2) == 0)
            {
                required.Add(name);
            }
        }

        JsonNode additional = !top && random.Next(4) == 0 ? Any(0) : false;
        return new JsonObject { ["type"] = "object", ["properties"] = properties, ["required"] = required, ["additionalProperties"] = additional };
    }
}
