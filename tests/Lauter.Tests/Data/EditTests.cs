using CsCheck;
using Lauter.Data.Operators;
using Lauter.Data.Operators.Edits;
using Lauter.Data.Text;

namespace Lauter.Tests.Data;

public sealed class EditTests
{
    private static readonly Gen<string> Texts = Gen.Select(
        Pick("<b>", "</p>", "&amp;", "&#8217;", "a<b", "https://x.example/a?b=1", "www.example.org", "[3]", "\U0001F600", "繁體", "返回顶部", "Back to top", "cookie policy", "word", "。", "<!-- x -->", "<script>var a</script>", "&nbsp;"),
        Pick("", " ", "\n", "\n\n"), (a, b) => a + b).Array[0, 40].Select(string.Concat);

    [Fact]
    public void EveryEdit_AppliedAgain_ChangesNothingMore()
    {
        // Entities may hide markup in markup ("&amp;amp;"), which a second pass rightly opens; redaction has tests of its own.
        string[] skip = [OperatorCatalog.RemoveHtml, OperatorCatalog.RedactPersonalData];
        foreach (var spec in OperatorCatalog.All.Where(o => o.Kind == OperatorKind.Edit && !skip.Contains(o.Name)))
        {
            var edits = new TextEdits(Recipe.Parse("r", $"operators: [{spec.Name}]").Recipe!);
            Texts.Sample(text => edits.Apply(edits.Apply(text)) == edits.Apply(text), iter: 300);
        }
    }

    [Fact]
    public void EveryEdit_AnyText_DoesNotThrow()
    {
        var edits = OperatorCatalog.All.Where(o => o.Kind == OperatorKind.Edit).Select(spec => new TextEdits(Recipe.Parse("r", $"operators: [{spec.Name}]").Recipe!)).ToList();
        Gen.String.Sample(text => edits.TrueForAll(e => e.Apply(text) is not null), iter: 500);
    }

    [Fact]
    public void EveryEdit_CleanTexts_ComeBackAsTheSameObject()
    {
        foreach (var text in new[] { "A clean sentence, with nothing odd.\nAnd a second line of it.", "价格：100元，（含税）。\n第二行文字也很干净，没有问题。" })
        {
            foreach (var spec in OperatorCatalog.All.Where(o => o.Kind == OperatorKind.Edit && o.Name is not OperatorCatalog.RemoveBoilerplateLines))
            {
                Assert.Equal(text, new TextEdits(Recipe.Parse("r", $"operators: [{spec.Name}]").Recipe!).Apply(text));
            }
        }
    }

    [Theory]
    [InlineData("<p class=\"x\">One &amp; two</p><br/>three", "One & two\n\nthree")]
    [InlineData("keep a < b and 5 > 3 here", "keep a < b and 5 > 3 here")]
    [InlineData("<script type=\"text/javascript\">var a=1;</script>text<!-- ad -->", "text")]
    public void WithoutHtml_Remnants_Go(string text, string expected) => Assert.Equal(expected, InlineEdits.WithoutHtml(text));

    [Theory]
    [InlineData("Body line one stays here.\nWe use cookies, see our cookie policy for more.\nTwo words\n", "Body line one stays here.")]
    [InlineData("正文第一行。\n短。", "正文第一行。\n短。")]
    public void C4_Lines_GoAsPublished(string text, string expected) => Assert.Equal(expected, LineEdits.C4(text, 3));

    [Theory]
    [InlineData("价格：１００元，“好”！")]
    [InlineData("这里“引号”、顿号、省略号……都在。")]
    public void Repair_ChinesePunctuation_IsUntouched(string text) => Assert.Same(text, Mojibake.Repair(text));

    private static Gen<string> Pick(params string[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);
}
