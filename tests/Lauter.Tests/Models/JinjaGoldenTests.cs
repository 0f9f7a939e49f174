using System.Text.Json;
using Lauter.Models.Templates;
using Lauter.Models.Templates.Jinja;
using Lauter.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Lauter.Tests.Models;

/// <summary>The interpreter against renderings of the reference library.</summary>
public sealed class JinjaGoldenTests
{
    private static readonly FakeTimeProvider Clock = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    [Fact]
    public void Render_UnitCases_EqualTheReference()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(SharedData.RepositoryRoot, "tests/Lauter.Tests/Models/Goldens/jinja-unit.json")));
        var failures = new List<string>();
        var count = 0;

        foreach (var item in golden.RootElement.GetProperty("cases").EnumerateArray())
        {
            count++;
            var context = item.GetProperty("context").EnumerateObject().ToDictionary(member => member.Name, member => JsonText.Read(member.Value, Mark.Data));
            Compare(item, item.GetProperty("name").GetString()!, () => ChatTemplate.Parse(item.GetProperty("template").GetString()!).Render(context, Clock), failures);
        }

        Assert.True(failures.Count == 0, $"{failures.Count} of {count} failed:\n{string.Join('\n', failures)}");
        Assert.Equal(263, count);
    }

    [Fact]
    public void Render_ChatTemplatesOfRealModels_EqualTheReference()
    {
        var folder = SharedData.Require("golden/chat-templates");
        var failures = new List<string>();
        var count = 0;

        foreach (var file in Directory.EnumerateFiles(Path.Combine(folder, "cases"), "*.json").Order(StringComparer.Ordinal))
        {
            using var golden = JsonDocument.Parse(File.ReadAllBytes(file));
            var root = golden.RootElement;
            var template = ChatTemplate.Parse(File.ReadAllText(Path.Combine(folder, root.GetProperty("template").GetString()!)));
            foreach (var item in root.GetProperty("cases").EnumerateArray())
            {
                count++;
                var name = $"{Path.GetFileNameWithoutExtension(file)} / {item.GetProperty("name").GetString()}";
                Compare(item, name, () => RenderCase(template, root, item), failures);
            }
        }

        Assert.True(failures.Count == 0, $"{failures.Count} of {count} failed:\n{string.Join('\n', failures.Take(60))}");
        Assert.True(count > 3500, $"only {count} cases");
    }

    private static Text RenderCase(ChatTemplate template, JsonElement root, JsonElement item)
    {
        var messages = item.GetProperty("messages").EnumerateArray().Select(Message).ToList();
        if (messages.Count == 0)
        {
            throw new TemplateException("refused before the template");
        }

        const string Tag = "CONTINUE_FINAL_MESSAGE_TAG ";
        var continues = item.TryGetProperty("continue_final_message", out var flag) && flag.ValueKind == JsonValueKind.True;
        if (continues)
        {
            var last = messages[^1];
            messages[^1] = new Mapping([.. last.Items.Select(pair => pair.Key is Text { Value: "content" } ? new KeyValuePair<object?, object?>(pair.Key, Tagged(pair.Value, Tag)) : pair)]);
        }

        var names = new Dictionary<string, object?>
        {
            ["messages"] = new Sequence([.. messages]),
            ["tools"] = item.TryGetProperty("tools", out var tools) ? JsonText.Read(tools, Mark.Data) : null,
            ["documents"] = item.TryGetProperty("documents", out var documents) ? JsonText.Read(documents, Mark.Data) : null,
            ["add_generation_prompt"] = item.GetProperty("add_generation_prompt").GetBoolean(),
        };
        foreach (var extra in item.GetProperty("kwargs").EnumerateObject())
        {
            names[extra.Name] = JsonText.Read(extra.Value, Mark.Data);
        }

        foreach (var (name, property) in new[] { ("bos_token", "bos"), ("eos_token", "eos") })
        {
            if (root.GetProperty(property).GetString() is { } token)
            {
                names[name] = new Text(token);
            }
        }

        var rendered = template.Render(names, Clock);
        if (!continues)
        {
            return rendered;
        }

        var cut = rendered.Value.LastIndexOf(Tag.Trim(), StringComparison.Ordinal);
        if (cut < 0)
        {
            throw new TemplateException("the last message does not show");
        }

        var untrimmed = rendered.Value.AsSpan(cut).StartsWith(Tag, StringComparison.Ordinal);
        return new Text(untrimmed ? rendered.Value[..cut] : rendered.Value[..cut].TrimEnd());
    }

    private static object? Tagged(object? content, string tag) => content switch
    {
        Text text => text.Plus(new Text(tag)),
        Sequence parts => new Sequence([.. parts.Items.Take(parts.Items.Count - 1), new Mapping([.. ((Mapping)parts.Items[^1]!).Items.Select(pair =>
            pair.Key is Text { Value: "text" } ? new KeyValuePair<object?, object?>(pair.Key, Tagged(pair.Value, tag)) : pair)])]),
        _ => content,
    };

    private static Mapping Message(JsonElement message)
    {
        var members = message.EnumerateObject().Where(member => member.Value.ValueKind != JsonValueKind.Null)
            .Select(member => new KeyValuePair<object?, object?>(new Text(member.Name), JsonText.Read(member.Value, Mark.Data))).ToList();
        object? Get(string name) => members.Find(member => ((Text)member.Key!).Value == name).Value;
        if ((Get("reasoning_content") ?? Get("thinking") ?? Get("reasoning")) is { } reasoning)
        {
            members.RemoveAll(member => ((Text)member.Key!).Value == "reasoning_content");
            members.Add(new(new Text("reasoning_content"), reasoning));
            if (Get("thinking") is null)
            {
                members.Add(new(new Text("thinking"), reasoning));
            }
        }

        return new Mapping(members);
    }

    private static void Compare(JsonElement item, string name, Func<Text> render, List<string> failures)
    {
        try
        {
            var text = render();
            if (!item.TryGetProperty("expected", out var expected))
            {
                failures.Add($"{name}: expected the error {item.GetProperty("error")}, rendered {JsonSerializer.Serialize(Short(text.Value))}");
            }
            else if (expected.GetString() != text.Value)
            {
                var at = expected.GetString()!.Zip(text.Value).TakeWhile(pair => pair.First == pair.Second).Count();
                failures.Add($"{name}: differs at {at}: expected {JsonSerializer.Serialize(Short(expected.GetString()![at..]))}, got {JsonSerializer.Serialize(Short(text.Value[at..]))}");
            }
            else if (item.TryGetProperty("assistant_spans", out var spans) && spans.ValueKind == JsonValueKind.Array)
            {
                var pieces = Generated(text);
                var points = text.CodePoints().ToList();
                var expectedMarks = new bool[points.Count];
                foreach (var span in spans.EnumerateArray())
                {
                    Array.Fill(expectedMarks, true, span[0].GetInt32(), span[1].GetInt32() - span[0].GetInt32());
                }

                if (!points.Select(point => point.Any().HasFlag(Mark.Generation)).SequenceEqual(expectedMarks))
                {
                    failures.Add($"{name}: generated {JsonSerializer.Serialize(pieces)}, expected {item.GetProperty("assistant_texts")}");
                }
            }
        }
        catch (TemplateException exception)
        {
            if (!item.TryGetProperty("error", out var error))
            {
                failures.Add($"{name}: {exception.Message}");
            }
            else if (error.GetProperty("kind").GetString() == "raise_exception" && (exception.Fault != TemplateFault.Raised || exception.Message != error.GetProperty("message").GetString()))
            {
                failures.Add($"{name}: expected the template's refusal '{error.GetProperty("message")}', got {exception.Fault} {exception.Message}");
            }
        }
        catch (Exception exception)
        {
            failures.Add($"{name}: {exception}");
        }
    }

    private static List<string> Generated(Text text)
    {
        var pieces = new List<string>();
        for (var i = 0; i < text.Length; i++)
        {
            if (text.Marks is not { } marks || !marks[i].HasFlag(Mark.Generation))
            {
                continue;
            }

            if (i == 0 || !marks[i - 1].HasFlag(Mark.Generation))
            {
                pieces.Add("");
            }

            pieces[^1] += text.Value[i];
        }

        return pieces;
    }

    private static string Short(string text) => text.Length > 80 ? text[..80] + "…" : text;
}
