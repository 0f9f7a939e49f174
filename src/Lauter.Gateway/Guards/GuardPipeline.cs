using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Data.Redaction;
using Lauter.Gateway.Api;

namespace Lauter.Gateway.Guards;

/// <summary>What the guards made of a request.</summary>
internal sealed record GuardedRequest(ChatCall Call, ReadOnlyMemory<byte> Body, bool Masked, OpenAiError? Refusal, IReadOnlyList<string> Notes, AnswerGuard? Answer);

/// <summary>Runs the guards of an application over the texts of a request, in order.</summary>
internal static class GuardPipeline
{
    /// <summary>Members whose strings are names and kinds, not text.</summary>
    private static readonly HashSet<string> NotText = new(StringComparer.Ordinal) { "role", "type", "name", "id", "tool_call_id", "url", "detail", "format", "mime_type" };

    public static GuardedRequest Request(IReadOnlyList<Guard> guards, ChatCall call, GatewayOptions options, TimeProvider time)
    {
        List<string> notes = [];
        Masks? masks = null;
        JsonNode? question = null;
        var masked = false;
        foreach (var guard in guards.Where(g => g.Requests))
        {
            var began = time.GetTimestamp();
            question ??= Parse(call.Members.Raw(call.Surface.Question));
            var found = guard switch
            {
                PersonalDataGuard personal => PersonalData(personal, ref question, ref masks, ref masked),
                WordGuard words => Words(words, ref question, ref masked),
                InjectionGuard injection => Injection(injection, question),
                _ => null,
            };
            if (found is null)
            {
                continue;
            }

            var blocked = guard.Action == GuardAction.Block;
            notes.Add($"{guard.Name}: {(blocked ? "blocked" : guard.Action == GuardAction.Mask ? "masked" : "saw")} {found} in the request, {time.GetElapsedTime(began).TotalMicroseconds:0} µs");
            if (blocked)
            {
                return new GuardedRequest(
                    call, call.Members.Bytes, false,
                    new OpenAiError(400, "invalid_request_error", "guard_blocked", $"The guard '{guard.Name}' refuses this request: it found {found}.", call.Surface.Question) { ShouldRetry = false },
                    notes, null);
            }
        }

        var changed = call;
        if (masked)
        {
            var bytes = call.Members.With((call.Surface.Question, System.Text.Encoding.UTF8.GetBytes(question!.ToJsonString(JsonText.Options))));
            changed = call with { Members = JsonMembers.Scan(bytes, options.MaximumDepth + 2, out _)! };
        }

        var answers = guards.Where(g => g.Answers).ToList();
        var restores = masks is { Any: true } && guards.OfType<PersonalDataGuard>().Any(g => g.Restore);
        return new GuardedRequest(
            changed, changed.Members.Bytes, masked, null, notes, answers.Count > 0 || restores ? new AnswerGuard(answers, restores ? masks : null, time) : null);
    }

    private static JsonNode? Parse(ReadOnlyMemory<byte> json) => json.IsEmpty ? null : JsonNode.Parse(json.Span, documentOptions: new JsonDocumentOptions { MaxDepth = 1_000 });

    private static string? PersonalData(PersonalDataGuard guard, ref JsonNode? question, ref Masks? masks, ref bool masked)
    {
        Dictionary<PersonalDataKind, int> counts = [];
        var kept = masks ??= new Masks(question);
        var changed = Visit(ref question, text =>
        {
            var spans = Lauter.Data.Redaction.PersonalData.Find(text).Where(s => guard.Kinds.Contains(s.Kind)).ToList();
            foreach (var span in spans)
            {
                counts[span.Kind] = counts.GetValueOrDefault(span.Kind) + 1;
            }

            return guard.Action == GuardAction.Mask && spans.Count > 0 ? kept.Apply(text, spans) : text;
        });
        masked |= changed;
        return counts.Count == 0 ? null : string.Join(", ", counts.OrderBy(c => c.Key).Select(c => $"{c.Value} {Lauter.Data.Redaction.PersonalData.NameOf(c.Key)}"));
    }

    private static string? Words(WordGuard guard, ref JsonNode? question, ref bool masked)
    {
        var count = 0;
        masked |= Visit(ref question, text =>
        {
            var found = guard.Words.Find(text);
            count += found.Count;
            return guard.Action == GuardAction.Mask && found.Count > 0 ? Stars(text, found) : text;
        });
        return count == 0 ? null : $"{count} listed word{(count == 1 ? "" : "s")}";
    }

    private static string? Injection(InjectionGuard guard, JsonNode? question)
    {
        SortedSet<string> names = new(StringComparer.Ordinal);
        var most = 0.0;
        _ = Visit(ref question, text =>
        {
            var (score, found) = InjectionSigns.Of(text);
            if (score >= guard.Threshold)
            {
                names.UnionWith(found);
                most = Math.Max(most, score);
            }

            return text;
        });
        return names.Count == 0 ? null : $"signs of injection ({string.Join(", ", names)}; {most:0.0})";
    }

    internal static string Stars(string text, IReadOnlyList<(int Start, int Length)> found)
    {
        var characters = text.ToCharArray();
        foreach (var (start, length) in found)
        {
            characters.AsSpan(start, length).Fill('*');
        }

        return new string(characters);
    }

    /// <summary>Gives every text in <paramref name="node"/> to <paramref name="look"/> and puts back what it returns. True when one changed.</summary>
    internal static bool Visit(ref JsonNode? node, Func<string, string> look)
    {
        switch (node)
        {
            case JsonObject container:
                var any = false;
                foreach (var (name, value) in container.ToList())
                {
                    if (NotText.Contains(name))
                    {
                        continue;
                    }

                    var child = value;
                    if (Visit(ref child, look))
                    {
                        any = true;
                        if (!ReferenceEquals(child, value))
                        {
                            container[name] = child;
                        }
                    }
                }

                return any;
            case JsonArray list:
                var changed = false;
                for (var i = 0; i < list.Count; i++)
                {
                    var child = list[i];
                    if (Visit(ref child, look))
                    {
                        changed = true;
                        if (!ReferenceEquals(child, list[i]))
                        {
                            list[i] = child;
                        }
                    }
                }

                return changed;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                string text;
                try
                {
                    text = value.GetValue<string>();
                }
                catch (InvalidOperationException)
                {
                    return false; // a lone surrogate: no text
                }

                var seen = look(text);
                if (ReferenceEquals(seen, text))
                {
                    return false;
                }

                node = JsonValue.Create(seen);
                return true;
            default:
                return false;
        }
    }
}
