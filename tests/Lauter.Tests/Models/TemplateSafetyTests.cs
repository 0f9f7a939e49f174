using System.Diagnostics;
using System.Text.Json.Nodes;
using CsCheck;
using Lauter.Models.Templates;

namespace Lauter.Tests.Models;

public sealed class TemplateSafetyTests
{
    [Theory]
    [InlineData("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")]
    [InlineData("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x='aaaaaaaaaaaaaaaa') %}{% for a in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=[1]) %}{% for a in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=[1]) %}{% for a in range(1000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}")]
    [InlineData("{{ 'a' * 1000000000000 }}")]
    [InlineData("{{ 10 ** 1000000000 }}")]
    [InlineData("{{ 'x'.ljust(1000000000) }}")]
    [InlineData("{{ range(1000000000) }}")]
    public void Render_HostileTemplate_EndsAsAnErrorOfTheRendering(string source)
    {
        var watch = Stopwatch.StartNew();

        var exception = Assert.Throws<TemplateException>(() => ChatTemplate.Parse(source).Render([new("user", "x")], addGenerationPrompt: false));

        Assert.Equal(TemplateFault.Limit, exception.Fault);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"took {watch.Elapsed}");
    }

    [Theory]
    [InlineData("ab\n{% include 'x' %}", 2, "not supported")]
    [InlineData("{{ x|nofilter }}", 1, "no filter named 'nofilter'")]
    [InlineData("\n\n{% if x %}", 3, "ends before")]
    [InlineData("{{ 'open }}", 1, "not closed")]
    [InlineData("{% with %}", 1, "not supported")]
    public void Parse_UnknownConstruct_FailsWithItsPlace(string source, int line, string message)
    {
        var exception = Assert.Throws<TemplateException>(() => ChatTemplate.Parse(source));

        Assert.Equal((TemplateFault.Syntax, line), (exception.Fault, exception.Line));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData('(', ')')]
    [InlineData('[', ']')]
    [InlineData('-', ' ')]
    public void Parse_DeepNesting_IsRefused(char open, char close)
    {
        var source = "{{ " + new string(open, 50_000) + "1" + new string(close, 50_000) + " }}";

        Assert.Equal(TemplateFault.Syntax, Assert.Throws<TemplateException>(() => ChatTemplate.Parse(source)).Fault);
    }

    [Fact]
    public void Render_LongChainOfOperators_DoesNotOverflowTheStack()
    {
        var template = ChatTemplate.Parse("{{ 1" + string.Concat(Enumerable.Repeat(" + 1", 100_000)) + " }}");

        var exception = Record.Exception(() => template.Render([new("user", "x")], addGenerationPrompt: false));

        Assert.True(exception is null or TemplateException { Fault: TemplateFault.Limit }, exception?.ToString());
    }

    [Fact]
    public void Parse_RandomText_IsParsedOrRefusedButNeverCrashes()
    {
        string[] parts = ["{{", "}}", "{%", "%}", "{#", "#}", "-", "+", " if ", " for ", " in ", "x", "endif", "endfor", "set", "=", "macro", "'", "\"", "\\", "(", ")", "[", "]", "|", ".", ":", ",", "1", "2.5", "~", " is ", "not ", "raw", "endraw", "\n", "else", "{", "}", "is defined", "generation", "endgeneration", "items", "messages"];
        Gen.Int[0, parts.Length - 1].Array[0, 40].Select(picks => string.Concat(picks.Select(pick => parts[pick]))).Sample(
            source =>
            {
                try
                {
                    ChatTemplate.Parse(source).Render([new("user", "hello")], addGenerationPrompt: true);
                }
                catch (TemplateException)
                {
                    // Refusal is one of the two right answers.
                }
            },
            iter: 20_000,
            threads: 1);
    }

    [Fact]
    public void PromptRender_Fields_AreFilledIn()
    {
        var prompt = PromptTemplate.Parse("Ticket ({{ language }}): {{ text }}\n{% for p in products %}- {{ p.name }}\n{% endfor %}{% if note is defined %}{{ note }}{% endif %}{{ extra|default('none') }}");

        var text = prompt.Render(new JsonObject { ["language"] = "zh", ["text"] = "你好 {{ x }}", ["products"] = new JsonArray(new JsonObject { ["name"] = "路由器" }) });

        Assert.Equal("Ticket (zh): 你好 {{ x }}\n- 路由器\nnone", text);
    }

    [Theory]
    [InlineData("Hi\n{{ txet }}", 2, "did you mean 'text'")]
    [InlineData("{% if txet == 'a' %}{% endif %}", 1, "did you mean 'text'")]
    [InlineData("{{ text ~ missing_field }}", 1, "there is no field 'missing_field'")]
    [InlineData("{% for a in rows %}{{ a }}{% endfor %}", 1, "there is no field 'rows'")]
    [InlineData("{{ customer.nmae }}", 1, "has no attribute 'nmae'")]
    public void PromptRender_MissingField_IsNamedWithItsPlace(string source, int line, string message)
    {
        var fields = new JsonObject { ["text"] = "x", ["customer"] = new JsonObject { ["name"] = "n" } };

        var exception = Assert.Throws<TemplateException>(() => PromptTemplate.Parse(source).Render(fields));

        Assert.Equal(line, exception.Line);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }
}
