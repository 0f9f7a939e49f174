using System.Globalization;

namespace Lauter.Tests.Data;

/// <summary>
/// Seeded texts with personal data whose place and type are known, and look-alikes that are none. No value belongs to anybody: reserved mail domains,
/// documentation addresses, invented names. English and Chinese; a sixth of the values is full-width; values stand right next to Han characters.
/// </summary>
internal sealed class LabelledPersonalData(int seed)
{
    private readonly Random _random = new(seed);

    /// <summary>One text and what is in it. A label "decoy" must not be found.</summary>
    public sealed record Sample(string Text, string Language, IReadOnlyList<(int Start, int Length, string Type, bool Wide)> Labels);

    public static IReadOnlyList<string> Checked { get; } = ["resident_id", "credit_code", "card", "iban", "email", "ip", "phone", "passport", "organisation_code", "plate", "social_security"];

    private static readonly Dictionary<string, (string[] En, string[] Zh)> Sentences = new(StringComparer.Ordinal)
    {
        ["email"] = (["Please copy {} on the reply.", "Mail bounced from <{}> twice.", "({}) is the owner"], ["抄送{}即可", "发件人{}已确认。", "邮箱是{}，请查收"]),
        ["phone_cn"] = (["Her Shanghai number is {}.", "Ring {} when you arrive."], ["请拨{}找前台", "座机或手机{}均可", "致电{}，谢谢"]),
        ["phone_us"] = (["Ring {} after nine.", "fax/phone {}"], ["海外客户请打{}。", "号码{}无人接听"]),
        ["landline"] = (["The office line is {}.", "Desk: {}"], ["办公室{}转人事", "总机{}。"]),
        ["resident_id"] = (["The ID {} was verified.", "holder of {}"], ["证件号{}有效", "身份证{}已登记，", "号码为{}的居民"]),
        ["credit_code"] = (["Registered as {} in 2019.", "tax no. {}"], ["统一代码{}已注销", "税号：{}", "登记号{}的公司"]),
        ["card"] = (["Charge {} again.", "The card {} was declined."], ["刷卡{}失败", "尾号所属卡号为{}，", "账户{}冻结"]),
        ["iban"] = (["Pay to {} by Friday.", "beneficiary {}"], ["收款账号{}请核对", "汇至{}。"]),
        ["ip"] = (["Traffic from {} stopped.", "peer {} timed out"], ["主机{}掉线", "来自{}的请求", "地址{}已封禁"]),
        ["passport"] = (["Passport number {} expired.", "passport {}"], ["护照号{}已过期", "持通行证{}入境"]),
        ["organisation_code"] = (["Organisation code {} is on file."], ["组织机构代码{}有效", "机构代码：{}"]),
        ["plate"] = (["The van {} is parked outside."], ["车牌{}已驶离", "一辆{}停在门口", "号牌：{}"]),
        ["social_security"] = (["SSN {} on the form.", "Social security number: {}"], ["社保号{}（美国）"]),
        ["person"] = (["Mr {} called twice.", "Contact: {}", "Dear {},", "Yesterday {} signed it."], ["联系人：{}，", "请转告{}先生", "姓名：{}，", "收件人为{}的包裹"]),
        ["address"] = (["Ship to {} today.", "He lives at {}."], ["寄往{}", "住址：{}。", "公司位于{}"]),
        ["decoy"] = (["Order number {} shipped.", "Tracking {} closed.", "Batch {} passed.", "firmware {} installed", "Invoice {} is open", "chapter {}"], ["订单号{}已发货", "流水号：{}", "批次{}合格", "固件{}已装", "工单{}关闭", "共{}件"]),
    };

    private static readonly string[] FillerEn = ["The pump was cleaned on 12 March 2024.", "Version 3.2 fixed 14 faults.", "It costs $1,250.50 including tax.", "We met at 10:30 and left at 17:45.", "See section 4.2.1 for details.", "About 60% of 2,000 visitors came back."];
    private static readonly string[] FillerZh = ["水泵在2024年3月12日清洗过。", "3.2版修复了14个问题。", "价格为1,250.50元（含税）。", "会议10:30开始，17:45结束。", "详见第4.2.1节。", "2000名访客中约60%再次光临。", "上海路很堵，第2号线停运。"];

    public IEnumerable<Sample> Make(int count)
    {
        for (var i = 0; i < count; i++)
        {
            yield return One(i % 2 == 0 ? "en" : "zh");
        }
    }

    private Sample One(string language)
    {
        var text = new System.Text.StringBuilder();
        var labels = new List<(int, int, string, bool)>();
        for (var part = _random.Next(4, 9); part > 0; part--)
        {
            if (_random.Next(3) == 0)
            {
                text.Append(Pick(language == "en" ? FillerEn : FillerZh)).Append(language == "en" ? " " : "");
                continue;
            }

            var kind = Pick([.. Sentences.Keys]);
            var sentence = Pick(language == "en" ? Sentences[kind].En : Sentences[kind].Zh);
            var value = kind == "decoy" ? Decoy(sentence) : Value(kind, language);
            var wide = kind is not ("person" or "address" or "decoy" or "plate") && _random.Next(6) == 0;
            var at = sentence.IndexOf("{}", StringComparison.Ordinal);
            labels.Add((text.Length + at, value.Length, kind is "phone_cn" or "phone_us" or "landline" ? "phone" : kind, wide));
            text.Append(sentence.Replace("{}", wide ? Wide(value) : value, StringComparison.Ordinal)).Append(language == "en" || sentence.EndsWith('}') ? "\n" : "");
        }

        return new Sample(text.ToString(), language, labels);
    }

    private string Value(string kind, string language) => kind switch
    {
        "email" => $"{Pick(["li.wei", "anna", "o.brien", "zhang_min", "amy+test", "no-reply"])}{_random.Next(1000)}@{Pick(["example.com", "example.org", "mail.example.net", "dept.example.co.uk"])}",
        "phone_cn" => Format($"1{Digits(1, "3456789")}{Digits(9)}", ["###########", "+86 ###########", "###-####-####", "### #### ####", "86-###########"]),
        "phone_us" => Format($"{Pick(["212", "415", "646"])}55501{Digits(2)}", ["(###) ###-####", "###-###-####", "+1 ### ### ####", "###.###.####"]),
        "landline" => Format($"{Pick(["010", "021", "0571"])}", ["###-", "(###) ", "####-"]) + $"{Digits(1, "2345678")}{Digits(7)}",
        "resident_id" => ResidentId(),
        "credit_code" => CreditCode(),
        "card" => Card(),
        "iban" => Iban(),
        "ip" => _random.Next(4) == 0 ? Pick(["2001:db8::8a2e:370:7334", "fe80::1ff:fe23:4567:890a", "2001:db8:0:1::1"]) : $"{Pick(["192.0.2", "198.51.100", "203.0.113"])}.{_random.Next(1, 255)}",
        "passport" => Pick(["E", "G", "EA", "H"]) is "EA" and var head ? head + Digits(7) : Pick(["E", "G", "C", "H"]) + Digits(8),
        "organisation_code" => OrganisationCode(),
        "plate" => $"{Pick(["京", "沪", "粤", "苏", "浙"])}{Digits(1, "ABCDEFG")}{(_random.Next(3) == 0 ? "·" : "")}{(_random.Next(3) == 0 ? "D" + Digits(5) : Digits(1, "ABCDEFGH12345") + Digits(4))}",
        "social_security" => Format($"{_random.Next(1, 665):D3}{_random.Next(1, 99):D2}{_random.Next(1, 9999):D4}", ["###-##-####", "#########"]),
        "person" => language == "zh" ? Pick(["王小明", "李雷", "韩梅", "欧阳明月", "陈建国", "赵敏", "刘一"]) : Pick(["Alice Brown", "Peter van Dyk", "Olivia Martin", "James O'Neil", "Wei Zhang", "Priya Nair"]),
        _ => language == "zh"
            ? $"{Pick(["北京市朝阳区建国路", "上海市浦东新区世纪大道", "杭州市西湖区文三路", "广东省深圳市南山区科技园南路", "朝阳区望京街"])}{_random.Next(1, 300)}号{Pick(["", "2号楼301室", "3单元502室", "A座12层"])}"
            : $"{_random.Next(1, 9999)} {Pick(["Baker Street", "North Main Street", "Sunset Blvd", "Old Mill Road"])}{Pick(["", ", Apt 4B", ", Springfield, IL 62704", " Suite 210"])}",
    };

    /// <summary>The shape of something personal with a wrong check digit or in the wrong company.</summary>
    private string Decoy(string sentence)
    {
        if (sentence.Contains("firmware", StringComparison.Ordinal) || sentence.Contains("固件", StringComparison.Ordinal))
        {
            return $"{_random.Next(1, 9)}.{_random.Next(20)}.{_random.Next(20)}.{_random.Next(20)}";
        }

        if (sentence is "chapter {}" or "共{}件")
        {
            return Pick(["12.4.2", "1,250", "2024-05-06", "3000", "10:30:59"]);
        }

        var good = Pick(["resident_id", "card", "credit_code"]) switch { "resident_id" => ResidentId(), "card" => "62" + Digits(14), _ => CreditCode() };
        return good[..^1] + (good[^1] == '7' ? '2' : '7');
    }

    private string ResidentId()
    {
        var body = Pick(["110101", "310104", "440305", "610113"]) + new DateTime(1950, 1, 1).AddDays(_random.Next(22_000)).ToString("yyyyMMdd", CultureInfo.InvariantCulture) + Digits(3);
        int[] weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
        return body + "10X98765432"[body.Select((c, i) => (c - '0') * weights[i]).Sum() % 11];
    }

    private string CreditCode()
    {
        const string Alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
        var organisation = string.Concat(Enumerable.Range(0, 8).Select(_ => Alphabet[_random.Next(Alphabet.Length)]));
        var body = Pick(["91", "92", "12", "52", "N2", "A1", "Y1"]) + Pick(["110101", "310104", "440305"]) + organisation + OrganisationCheck(organisation);
        var sum = 0;
        for (int i = 0, weight = 1; i < 17; i++, weight = weight * 3 % 31)
        {
            sum += Alphabet.IndexOf(body[i], StringComparison.Ordinal) * weight;
        }

        return body + Alphabet[(31 - (sum % 31)) % 31];
    }

    private string OrganisationCode()
    {
        var body = string.Concat(Enumerable.Range(0, 8).Select(_ => "0123456789ABCDEFGH"[_random.Next(18)]));
        return body + Pick(["-", ""]) + OrganisationCheck(body);
    }

    private static char OrganisationCheck(string body)
    {
        int[] weights = [3, 7, 9, 10, 5, 8, 4, 2];
        var rest = 11 - (body.Select((c, i) => (char.IsDigit(c) ? c - '0' : c - 'A' + 10) * weights[i]).Sum() % 11);
        return rest == 10 ? 'X' : rest == 11 ? '0' : (char)('0' + rest);
    }

    private string Card()
    {
        var (head, length) = Pick([("4", 16), ("51", 16), ("62", 16), ("62", 18), ("62", 19), ("37", 15)]);
        var body = head + Digits(length - 1 - head.Length);
        var sum = 0;
        for (var i = 0; i < body.Length; i++)
        {
            var digit = (body[^(i + 1)] - '0') * (i % 2 == 0 ? 2 : 1);
            sum += digit > 9 ? digit - 9 : digit;
        }

        body += (10 - (sum % 10)) % 10;
        return length == 16 && _random.Next(3) == 0 ? string.Join(Pick([" ", "-"]), body.Chunk(4).Select(c => new string(c))) : body;
    }

    private string Iban()
    {
        var (country, body) = Pick([("DE", Digits(18)), ("GB", "NWBK" + Digits(14)), ("FR", Digits(20) + "A" + Digits(2)), ("NL", "ABNA" + Digits(10))]);
        var remainder = 0;
        foreach (var c in body + country + "00")
        {
            remainder = char.IsDigit(c) ? ((remainder * 10) + (c - '0')) % 97 : ((remainder * 100) + (c - 'A' + 10)) % 97;
        }

        var whole = $"{country}{98 - remainder:D2}{body}";
        return _random.Next(2) == 0 ? whole : string.Join(' ', whole.Chunk(4).Select(c => new string(c)));
    }

    private string Digits(int count, string alphabet = "0123456789") => string.Concat(Enumerable.Range(0, count).Select(_ => alphabet[_random.Next(alphabet.Length)]));

    private string Format(string digits, string[] forms)
    {
        var fitting = forms.Where(f => f.Count(c => c == '#') == digits.Length).ToArray();
        var at = 0;
        return string.Concat(Pick(fitting).Select(c => c == '#' ? digits[at++] : c));
    }

    private T Pick<T>(IReadOnlyList<T> values) => values[_random.Next(values.Count)];

    private static string Wide(string text) => string.Concat(text.Select(c => c is >= '!' and <= '~' ? (char)(c + 0xFEE0) : c));
}
