using System.Text.RegularExpressions;

namespace Lauter.Data.Documents;

/// <summary>Paths that people give to what is no longer current. Of several copies, the one elsewhere is the document.</summary>
internal static partial class SupersededPath
{
    public static bool Looks(string path) => Words().IsMatch(path) || ChineseWords().IsMatch(path);

    [GeneratedRegex(@"(?:^|[/_\-. !])(?:archived?|old|backups?|bak|copy|drafts?|tmp|temp|deprecated|obsolete|superseded|trash)(?:[/_\-. !]|$)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Words();

    [GeneratedRegex("归档|歸檔|存档|备份|備份|副本|草稿|旧版|舊版|作废|历史版本", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex ChineseWords();
}
