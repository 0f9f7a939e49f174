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
            var actual = PersonalData.Find(text).Select(s => $"{s.Start + CountryCode(text[s.Start..s.End])}-{s.End}").ToList();
            Assert.True(expected.SequenceEqual(actual), $"{text}: expected {string.Join(' ', expected)}, found {string.Join(' ', actual)}");
        }
    }

    /// <summary>The reference leaves the country code outside of the number; here it belongs to it.</summary>
    private static int CountryCode(string number) => number.StartsWith("+86", StringComparison.Ordinal) ? 3 : 0;

    [Theory]
    [InlineData("请联系１９９００００００００或者anna＠example．com", "请联系[PHONE]或者[EMAIL]")]
    [InlineData("Call me at +44 7700 900332 or (555) 234-5678.", "Call me at [PHONE] or [PHONE].")]
    [InlineData("护照E12345678，办公室010-12345678", "护照[PASSPORT]，办公室[PHONE]")]
    [InlineData("IBAN DE09 0000 0000 0000 0000 01 was paid", "IBAN [IBAN] was paid")]
    [InlineData("server 2001:db8::1 and 192.0.2.7", "server [IP] and [IP]")]
    [InlineData("手机+86 138-1234-5678或(+86)13812345678", "手机[PHONE]或[PHONE]")]
    [InlineData("邮件li.wei7@example.com已收，主机192.0.2.7没有应答，卡号4000000000001414失效", "邮件[EMAIL]已收，主机[IP]没有应答，卡号[CARD]失效")]
    [InlineData("卡６２２０ ０００１ ２３４５ ６７８９ ０１２", "卡６２２０ ０００１ ２３４５ ６７８９ ０１２")]
    [InlineData("Amex 3782 822463 10005, 371449635398431", "Amex [CARD], [CARD]")]
    [InlineData("车牌京A12345、粤B·D12345和沪AD12345", "车牌[PLATE]、[PLATE]和[PLATE]")]
    [InlineData("组织机构代码：MA00AB12-4，organisation code 12345678-8", "组织机构代码：[ORGANISATION_CODE]，organisation code [ORGANISATION_CODE]")]
    [InlineData("SSN 123456789, his number 123-45-6789, order 123-45-6789", "SSN [SOCIAL_SECURITY], his number [SOCIAL_SECURITY], order 123-45-6789")]
    [InlineData("护照EA1234567，港澳通行证C12345678，passport X12345678", "护照[PASSPORT]，港澳通行证[PASSPORT]，passport [PASSPORT]")]
    [InlineData("GB29 NWBK 6016 1331 9268 19是账号，IBAN：GB29NWBK60161331926819。", "[IBAN]是账号，IBAN：[IBAN]。")]
    [InlineData("IBAN GB29 NWBK 6016 1331 9268 18", "IBAN GB29 NWBK 6016 1331 9268 18")]
    [InlineData("齿式是：上颚1-3.1.4.2；下颚3.1.4.2-3", "齿式是：上颚1-3.1.4.2；下颚3.1.4.2-3")]
    [InlineData("退款将转入银行卡628395792008903075。", "退款将转入银行卡[CARD]。")]
    [InlineData("订单编号310104200212122834已发货，流水号：440305200511154966", "订单编号310104200212122834已发货，流水号：440305200511154966")]
    [InlineData("fe80::1ff:fe23:4567:890a at 12:30:45", "[IP] at 12:30:45")]
    [InlineData("firmware 4.2.0.1, order 4000000000001414, hotline 400-820-8820, at 12:30:45 on 2025-03-04", "firmware 4.2.0.1, order 4000000000001414, hotline 400-820-8820, at 12:30:45 on 2025-03-04")]
    public void Redact_MixedTexts_MasksOnlyPersonalData(string text, string expected) =>
        Assert.Equal(expected, PersonalData.Redact(text, PersonalData.AllKinds.ToHashSet(), new Dictionary<PersonalDataKind, int>()));

    [Fact]
    public void IsCard_OneDigitChanged_FailsAlways() =>
        Gen.Select(Gen.Long[0, 999_999_999_999_999], Gen.Int[0, 14], Gen.Int[1, 9]).Sample((number, position, change) =>
        {
            var body = number.ToString("D15");
            var valid = Enumerable.Range(0, 10).Select(d => body + d).Single(n => CheckDigits.IsCard(n));
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
