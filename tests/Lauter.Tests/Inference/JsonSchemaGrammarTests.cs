using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using CsCheck;
using Lauter.Inference.Grammars;
using Lauter.Inference.Native;

namespace Lauter.Tests.Inference;

public sealed class JsonSchemaGrammarTests
{
    private static readonly Lazy<LoadedModel> Model = new(() => LoadedModel.Load(TinyModel.Path));

    [Fact]
    public void Compile_RandomSchemas_EveryFinishedTextParsesAndSatisfiesTheSchema()
    {
        var finished = 0;
        var walks = 0;
        Gen.Int[0, int.MaxValue - 1].Sample(
            seed =>
            {
                var random = new Random(seed);
                var schema = Element(new RandomSchemas(random).Next().ToJsonString());
                var result = JsonSchemaGrammar.Compile(schema);
                Assert.True(result.Grammar is not null, $"refused: {string.Join("; ", result.Faults)} in {schema}");
                using var grammar = GrammarState.Parse(Model.Value, result.Grammar);
                for (var walk = 0; walk < 3; walk++)
                {
                    Interlocked.Increment(ref walks);
                    if (Walk(grammar, random) is { } text)
                    {
                        Interlocked.Increment(ref finished);
                        var value = Parse(text, schema);
                        Assert.True(SchemaReference.Holds(schema, schema, value), $"{text} does not satisfy {schema}");
                    }
                }
            },
            iter: 150,
            threads: 1,
            print: seed => seed.ToString());
        Assert.True(finished > walks / 2, $"only {finished} of {walks} walks came to an end: the test would prove little");
    }

    [Theory]
    [InlineData("""{"type":"string","pattern":"^(?=a)"}""", "/pattern")]
    [InlineData("""{"type":"string","pattern":"(a)\\1"}""", "/pattern")]
    [InlineData("""{"type":"string","pattern":"^a|b$"}""", "/pattern")]
    [InlineData("""{"type":"string","pattern":"^a{2}$","maxLength":1}""", "/pattern")]
    [InlineData("""{"type":"string","pattern":"[z-a]"}""", "/pattern")]
    [InlineData("""{"type":"string","pattern":"a**"}""", "/pattern")]
    [InlineData("""{"type":"string","pattern":"\\p{Lu}"}""", "/pattern")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"array","uniqueItems":true}}}""", "/properties/a/uniqueItems")]
    [InlineData("""{"type":"object","properties":{"a/b":{"type":"string","maxLength":5000}}}""", "/properties/a~1b/maxLength")]
    [InlineData("""{"type":"number","minimum":0.5}""", "/minimum")]
    [InlineData("""{"type":"integer","minimum":5,"maximum":4}""", "")]
    [InlineData("""{"$ref":"#/$defs/missing"}""", "/$ref")]
    [InlineData("""{"$ref":"http://example.com/schema"}""", "/$ref")]
    [InlineData("""{"$defs":{"a":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}""", "")]
    [InlineData("""{"type":"object","properties":{"next":{"$ref":"#"}},"required":["next"]}""", "")]
    [InlineData("""{"type":"object","properties":{},"required":["gone"]}""", "/required")]
    [InlineData("""{"oneOf":[{"type":"integer"},{"type":"number"}]}""", "/oneOf/1")]
    [InlineData("""{"allOf":[{"type":"object"},{"type":"object"}]}""", "/allOf")]
    [InlineData("""{"type":"decimal"}""", "/type")]
    [InlineData("""{"type":"string","enum":[1,2]}""", "/enum")]
    [InlineData("""{"type":"object","properties":{"a":false},"required":["a"]}""", "/properties/a")]
    public void Compile_UnsupportedConstruct_NamesItsPlace(string schema, string pointer)
    {
        var result = JsonSchemaGrammar.Compile(Element(schema));
        Assert.Null(result.Grammar);
        Assert.Contains(result.Faults, fault => fault.Pointer == pointer);
    }

    [Fact]
    public void Compile_SeveralFaults_ReportsAll()
    {
        var result = JsonSchemaGrammar.Compile(Element("""{"type":"object","properties":{"a":{"pattern":"\\bx"},"b":{"not":{}},"c":{"multipleOf":2}}}"""));
        Assert.Equal(["/properties/a/pattern", "/properties/b/not", "/properties/c/multipleOf"], result.Faults.Select(fault => fault.Pointer));
    }

    [Fact]
    public void Compile_TooDeepOrTooWide_IsRefusedByTheBudget()
    {
        var deep = string.Concat(Enumerable.Repeat("""{"type":"array","items":""", 70)) + "{}" + new string('}', 70);
        var wide = $$"""{"enum":[{{string.Join(",", Enumerable.Range(0, 6_000))}}]}""";
        var members = string.Join(",", Enumerable.Range(0, 12).Select(index => $"\"p{index}\":{{\"type\":\"string\",\"maxLength\":{1_900 + index}}}"));
        var repeats = $"{{\"type\":\"object\",\"properties\":{{{members}}}}}";
        foreach (var schema in new[] { deep, wide, repeats })
        {
            var options = new JsonDocumentOptions { MaxDepth = 256 };
            using var document = JsonDocument.Parse(schema, options);
            Assert.Null(JsonSchemaGrammar.Compile(document.RootElement).Grammar);
        }
    }

    [Theory]
    [InlineData("""{"intent":"refund","urgency":"high"}""", true)]
    [InlineData("""{"intent":"refund","product":"router","urgency":"low"}""", true)]
    [InlineData("""{"product":"router","intent":"refund","urgency":"low"}""", false)]
    [InlineData("""{"intent":"refund","urgency":"medium"}""", false)]
    [InlineData("""{"intent":"refund","urgency":"high","more":1}""", false)]
    [InlineData("""{"intent": "refund","urgency":"high"}""", false)]
    [InlineData("""{"intent":"refund"}""", false)]
    public void Compile_TriageSchema_AllowsExactlyTheCanonicalForm(string text, bool allowed)
    {
        const string Schema = """
            {"type":"object","additionalProperties":false,"required":["intent","urgency"],"properties":{
              "intent":{"type":"string"},"product":{"enum":["router","printer"]},"urgency":{"enum":["low","high"]}}}
            """;
        using var grammar = GrammarState.Parse(Model.Value, JsonSchemaGrammar.Compile(Element(Schema)).Grammar!);
        Assert.Equal(allowed, Accepts(grammar, text));
    }

    [Fact]
    public void Compile_IntegerBounds_AllowExactlyTheIntegersBetween() =>
        Gen.Select(Gen.Int[-2_000, 2_000], Gen.Int[0, 3_000], Gen.Int[-6_000, 6_000]).Sample(
            (least, width, probe) =>
            {
                var schema = Element($$$"""{"type":"array","minItems":1,"maxItems":1,"items":{"type":"integer","minimum":{{{least}}},"maximum":{{{least + width}}}}}""");
                using var grammar = GrammarState.Parse(Model.Value, JsonSchemaGrammar.Compile(schema).Grammar!);
                Assert.Equal(probe >= least && probe <= least + width, Accepts(grammar, $"[{probe}]"));
            },
            iter: 400,
            threads: 1);

    /// <summary>Random walks through the grammar of each pattern end in texts that .NET's own matcher accepts, and known texts pass.</summary>
    [Theory]
    [InlineData("^[A-Z]{2}-\\d{3,5}$", "AB-1234")]
    [InlineData("^(?:\\+86)?1[3-9]\\d{9}$", "+8613912345678")]
    [InlineData("^[\u4e00-\u9fff]{2,6}$", "打印机")]
    [InlineData("^(low|normal|high)(;(low|high))*$", "low;high;low")]
    [InlineData("^[^@\\s\"]+@[a-z0-9.-]+\\.[a-z]{2,}$", "a.b@c-d.org")]
    [InlineData("[0-9]+", "room 7")]
    [InlineData("^\\S+$", "x")]
    [InlineData("^v?\\d+(\\.\\d+){0,2}(-[\\w.]+)?$", "v1.20.3-rc_1")]
    [InlineData("^[\\\\/\"\\t]{1,4}$", "\\\"\t/")]
    [InlineData("^.{1,3}$", "üé中")]
    [InlineData("^$", "")]
    public void Compile_Pattern_AllowsOnlyWhatMatches(string pattern, string example)
    {
        var schema = Element(JsonSerializer.Serialize(new { type = "string", pattern }));
        var result = JsonSchemaGrammar.Compile(schema);
        Assert.Empty(result.Faults);
        using var grammar = GrammarState.Parse(Model.Value, result.Grammar!);
        Assert.True(Accepts(grammar, JsonSerializer.Serialize(example, GrammarRules.Minimal)));
        var random = new Random(pattern.Length);
        var ended = 0;
        for (var walk = 0; walk < 25; walk++)
        {
            if (Walk(grammar, random) is { } text)
            {
                ended++;
                Assert.Matches(new Regex(pattern, RegexOptions.None, TimeSpan.FromSeconds(1)), Element(text).GetString()!);
            }
        }

        Assert.True(ended > 5, $"only {ended} walks came to their end");
    }

    [Fact]
    public void Compile_AdditionalProperties_NeverStandInForANamedOne()
    {
        var schema = Element("""{"type":"object","properties":{"ab":{"type":"integer"},"abc":{"type":"integer"},"中":{"type":"integer"}},"additionalProperties":{"type":"string"}}""");
        using var grammar = GrammarState.Parse(Model.Value, JsonSchemaGrammar.Compile(schema).Grammar!);
        Assert.True(Accepts(grammar, """{"ab":1,"a":"x","abd":"y","abcd":"z","":"w","中国":"v"}"""));
        Assert.False(Accepts(grammar, """{"ab":"x"}"""));
        Assert.False(Accepts(grammar, """{"x":"1","abc":"x"}"""));
        Assert.False(Accepts(grammar, """{"中":"x"}"""));
        Assert.False(Accepts(grammar, """{"\u0061b":"x"}"""));
    }

    [Theory]
    [InlineData("C0A2", false)]
    [InlineData("EDA080", false)]
    [InlineData("F5808080", false)]
    [InlineData("E4B8AD", true)]
    [InlineData("F09F9880", true)]
    public void Allows_BytesInAString_OnlyWellFormedUtf8(string bytes, bool allowed)
    {
        using var grammar = GrammarState.Parse(Model.Value, JsonSchemaGrammar.Compile(Element("""{"type":"string"}""")).Grammar!);
        Assert.Equal(allowed, Accepts(grammar, [(byte)'"', .. Convert.FromHexString(bytes), (byte)'"']));
    }

    private static JsonElement Element(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }

    private static JsonElement Parse(string text, JsonElement schema)
    {
        try
        {
            return Element(text);
        }
        catch (JsonException error)
        {
            throw new InvalidOperationException($"{text} is no JSON, from {schema}", error);
        }
    }

    /// <summary>Feeds a text byte by byte through the single-byte tokens; accepted when all pass and the end mark may follow.</summary>
    private static bool Accepts(GrammarState grammar, string text) => Accepts(grammar, Encoding.UTF8.GetBytes(text));

    private static bool Accepts(GrammarState grammar, byte[] bytes)
    {
        using var state = grammar.Fork();
        foreach (var value in bytes)
        {
            var token = Enumerable.Range(0, Model.Value.VocabularySize).First(id => Model.Value.Piece(id).SequenceEqual([value]));
            if (!state.Allows(token))
            {
                return false;
            }

            state.Accept(token);
        }

        return state.Allows(Model.Value.EndToken!.Value);
    }

    /// <summary>Random allowed tokens, with a liking for those that close something; null when no end was reached.</summary>
    private static string? Walk(GrammarState grammar, Random random)
    {
        using var state = grammar.Fork();
        var model = Model.Value;
        var bytes = new List<byte>();
        var logits = new float[model.VocabularySize];
        for (var step = 0; step < 400; step++)
        {
            Array.Clear(logits);
            state.Mask(logits);
            var allowed = Enumerable.Range(0, logits.Length).Where(id => !float.IsNegativeInfinity(logits[id])).ToArray();
            Assert.NotEmpty(allowed);
            var closing = allowed.Where(id => model.EndsGeneration(id) || model.Piece(id).IndexOfAny("\"}]"u8) >= 0).ToArray();
            var from = closing.Length > 0 && random.Next(3) > 0 ? closing : allowed;
            var token = from[random.Next(from.Length)];
            Assert.True(state.Allows(token));
            if (model.EndsGeneration(token))
            {
                return new UTF8Encoding(false, true).GetString([.. bytes]);
            }

            state.Accept(token);
            bytes.AddRange(model.Piece(token));
        }

        return null;
    }
}
