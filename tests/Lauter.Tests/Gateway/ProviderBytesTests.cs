using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Lauter.Gateway.Api;
using Lauter.Gateway.Providers;

namespace Lauter.Tests.Gateway;

public sealed class ProviderBytesTests
{
    [Theory]
    [InlineData("{}", """{"a":1}""")]
    [InlineData("""{ "b" : 2 }""", """{"a":1, "b" : 2 }""")]
    [InlineData("""{"a":[1,{"a":2}],"b":3}""", """{"a":1,"b":3}""")]
    [InlineData("""{"b":{"a":5},"a":null}""", """{"b":{"a":5},"a":1}""")]
    public void With_Member_ReplacesOnlyThatValueAtTheTop(string json, string expected) =>
        Assert.Equal(expected, Encoding.UTF8.GetString(JsonMembers.Scan(Encoding.UTF8.GetBytes(json), 64, out _)!.With(("a", "1"u8.ToArray()))));

    [Fact]
    public void With_SeveralMissing_StaysValidJson()
    {
        foreach (var json in (string[])["{}", """{"c":0}""", """{"b":9}"""])
        {
            var changed = JsonNode.Parse(JsonMembers.Scan(Encoding.UTF8.GetBytes(json), 64, out _)!.With(("a", "1"u8.ToArray()), ("b", "2"u8.ToArray())))!;
            Assert.Equal((1, 2), (changed["a"]!.GetValue<int>(), changed["b"]!.GetValue<int>()));
        }
    }

    [Fact]
    public void SseReader_AnyCutOfTheBytes_GivesTheSameEvents()
    {
        const string Text = "data: one\n\n: ping\n\ndata: 二\r\ndata: zwei\r\n\r\ndata:{\"a\":\"猫\"}\n\nunfinished";
        var bytes = Encoding.UTF8.GetBytes(Text);
        Gen.Int[1, 7].Array[1, 60].Sample(sizes =>
        {
            var reader = new SseReader(new PiecesStream(bytes, sizes), 1_000);
            List<string> events = [];
            while (true)
            {
                var next = reader.ReadAsync(default);
                Assert.True(next.IsCompletedSuccessfully);
                if (next.GetAwaiter().GetResult() is not { IsEmpty: false } raw)
                {
                    break;
                }

                events.Add(Encoding.UTF8.GetString(SseReader.DataOf(raw).Span));
            }

            Assert.Equal(["one", "", "二\nzwei", "{\"a\":\"猫\"}"], events);
        }, iter: 200);
    }

    [Fact]
    public async Task SseReader_EndlessEvent_IsBounded() =>
        await Assert.ThrowsAsync<InvalidDataException>(async () => await new SseReader(new MemoryStream(new byte[100_000]), 1_000).ReadAsync(default));

    /// <summary>A stream that gives its bytes in pieces of given sizes.</summary>
    private sealed class PiecesStream(byte[] bytes, int[] sizes) : MemoryStream(bytes)
    {
        private int _n;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult(Read(buffer.Span[..Math.Min(buffer.Length, sizes[_n++ % sizes.Length])]));
    }
}
