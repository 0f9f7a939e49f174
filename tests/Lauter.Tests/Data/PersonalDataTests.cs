using System.Text.Json;
using CsCheck;
using Lauter.Data.Redaction;
using Lauter.Tests.Support;

namespace Lauter.Tests.Data;

public sealed class PersonalDataTests
{
    [Fact]
    public void CheckDigits_ReferenceCases_AgreeWithTheLibraries()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/metrics/pii.json")));
        var failures = new List<string>();
        var seen = 0;
        foreach (var item in golden.RootElement.GetProperty("cases").EnumerateArray())
        {
            var text = item.GetProperty("text").GetString()!;
            (bool Expected, bool Actual)? pair = item.GetProperty("kind").GetString() switch
            {
                "cn_resident_id" => (item.GetProperty("valid_form_check_date").GetBoolean(), CheckDigits.IsResidentId(text.Trim())),
                "cn_uscc" => (item.GetProperty("valid_form_check").GetBoolean(), CheckDigits.IsCreditCode(text)),
                "card" => (item.GetProperty("valid_16_to_19").GetBoolean(), CheckDigits.IsCard(text)),
                "iban" => (item.GetProperty("valid").GetBoolean(), CheckDigits.IsIban(text)),
                _ => null,
            };
            if (pair is var (expected, actual))
            {
                seen++;
                if (expected != actual)
                {
                    failures.Add($"{item.GetProperty("kind").GetString()} '{text}' expected {expected}");
                }
            }
        }

        Assert.True(seen > 80);
        Assert.Empty(failures);
    }

    [Fact]
    public void Find_ReferenceTexts_GivesExactSpans()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/metrics/pii.json")));
        foreach (var item in golden.RootElement.GetProperty("cases_text").EnumerateArray())
        {
            var text = item.GetProperty("text").GetString()!;
            var expected = item.GetProperty("spans").EnumerateArray().Select(s => $"{s[1].GetInt32()}-{s[2].GetInt32()}").ToList();
            var actual = PersonalData.Find(text).Select(s => $"{s.Start}-{s.End}").ToList();
            Assert.True(expected.SequenceEqual(actual), $"{text}: expected {string.Join(' ', expected)}, found {string.Join(' ', actual)}");
        }
    }

    [Theory]
    [InlineData("请联系１９９００００００００或者anna＠example．com", "请联系[PHONE]或者[EMAIL]")]
    [InlineData("Call me at +44 7700 900332 or (555) 234-5678.", "Call me at [PHONE] or [PHONE].")]
    [InlineData("护照E12345678，办公室010-12345678", "护照[PASSPORT]，办公室[PHONE]")]
    [InlineData("IBAN DE09 0000 0000 0000 0000 01 was paid", "IBAN [IBAN] was paid")]
    [InlineData("server 2001:db8::1 and 192.0.2.7", "server [IP] and [IP]")]
    [InlineData("firmware 4.2.0.1, order 4000000000001414, hotline 400-820-8820, at 12:30:45 on 2025-03-04", "firmware 4.2.0.1, order 4000000000001414, hotline 400-820-8820, at 12:30:45 on 2025-03-04")]
    public void Redact_MixedTexts_MasksOnlyPersonalData(string text, string expected) =>
        Assert.Equal(expected, PersonalData.Redact(text, PersonalData.AllKinds.ToHashSet(), new Dictionary<PersonalDataKind, int>()));

    [Fact]
    public void IsCard_OneDigitChanged_FailsAlways() =>
        Gen.Select(Gen.Long[0, 999_999_999_999_999], Gen.Int[0, 14], Gen.Int[1, 9]).Sample((number, position, change) =>
        {
            var body = number.ToString("D15");
            var valid = Enumerable.Range(0, 10).Select(d => body + d).Single(CheckDigits.IsCard);
            var digits = valid.ToCharArray();
            digits[position] = (char)('0' + ((digits[position] - '0' + change) % 10));
            return !CheckDigits.IsCard(new string(digits));
        });

    [Fact]
    public void Find_AnyText_ReturnsOrderedSpansInsideTheText() =>
        Gen.String[Gen.Char["0123456789@.+-: abX身份证电话\uD83D\uDE00"], 0, 80].Sample(text =>
        {
            var at = 0;
            foreach (var span in PersonalData.Find(text))
            {
                if (span.Start < at || span.End > text.Length || span.Length <= 0)
                {
                    return false;
                }

                at = span.End;
            }

            return true;
        });
}
