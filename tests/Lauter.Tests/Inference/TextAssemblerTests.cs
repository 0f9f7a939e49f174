using System.Text;
using CsCheck;
using Lauter.Inference.Sampling;

namespace Lauter.Tests.Inference;

public sealed class TextAssemblerTests
{
    [Fact]
    public void Add_AnyCutsOfTheBytes_ShowTheTextBeforeTheFirstStop() =>
        Gen.Select(Gen.Char["ab中é"].Array[0, 40], Gen.Char["ab中é"].Array[1, 4].Array[0, 3], Gen.Int[1, 5].Array[1, 60])
            .Sample((characters, stops, cuts) =>
            {
                var text = new string(characters) + "😀";
                var stopTexts = stops.Select(stop => new string(stop)).ToArray();
                var (shown, stopped) = Feed(text, stopTexts, cuts);
                // The reference reads the whole text; the stream may only see a stop that is complete, whichever completes first.
                var ends = stopTexts.Select(stop => (At: text.IndexOf(stop, StringComparison.Ordinal), stop.Length)).Where(found => found.At >= 0).ToArray();
                Assert.Equal(ends.Length > 0, stopped);
                Assert.StartsWith(shown, text, StringComparison.Ordinal);
                Assert.Contains(shown.Length, ends.Length == 0 ? [text.Length] : ends.Select(found => found.At));
                Assert.DoesNotContain(stopTexts, stop => shown.Contains(stop, StringComparison.Ordinal));
            });

    [Fact]
    public void Finish_IncompleteCharacter_BecomesOneReplacement()
    {
        var assembler = new TextAssembler([]);
        Assert.Equal("a", assembler.Add([(byte)'a', 0xE4, 0xB8]));
        Assert.Equal("\uFFFD", assembler.Finish());
    }

    [Fact]
    public void Add_BeginningOfAStop_IsHeldUntilItIsDecided()
    {
        var assembler = new TextAssembler(["</end>"]);
        Assert.Equal("x", assembler.Add("x</e"u8));
        Assert.Equal("</ex", assembler.Add("x"u8));
        Assert.Equal("", assembler.Add("</"u8));
        Assert.Equal("</", assembler.Finish());
    }

    private static (string Shown, bool Stopped) Feed(string text, string[] stops, int[] cuts)
    {
        var assembler = new TextAssembler(stops);
        var bytes = Encoding.UTF8.GetBytes(text);
        var shown = "";
        for (int at = 0, turn = 0; at < bytes.Length && !assembler.Stopped; turn++)
        {
            var length = Math.Min(cuts[turn % cuts.Length], bytes.Length - at);
            shown += assembler.Add(bytes.AsSpan(at, length));
            at += length;
        }

        return assembler.Stopped ? (shown, true) : (shown + assembler.Finish(), false);
    }
}
