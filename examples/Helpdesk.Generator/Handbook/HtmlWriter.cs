using System.Net;
using System.Text;

namespace Helpdesk.Generator.Handbook;

/// <summary>A page of the maker's web site: the content between navigation, cookie notice, related links and footer.</summary>
internal static class HtmlWriter
{
    public static byte[] Write(Page page)
    {
        var zh = page.Language == "zh";
        var html = new StringBuilder();
        html.Append($"<!DOCTYPE html>\n<html lang=\"{(zh ? "zh-CN" : "en")}\">\n<head>\n<meta charset=\"utf-8\">\n<title>{E(page.Title)} | Sudhaven</title>\n");
        html.Append("<style>.cookie{position:fixed;bottom:0}</style>\n<script>window.dataLayer=window.dataLayer||[];</script>\n</head>\n<body>\n");
        html.Append(zh
            ? "<div id=\"cookie-banner\" class=\"cookie\" role=\"dialog\"><p>本网站使用Cookie改善体验。继续浏览即表示同意。</p><button>全部接受</button><button>仅必要</button></div>\n"
            : "<div id=\"cookie-banner\" class=\"cookie\" role=\"dialog\"><p>We use cookies to improve your experience. By continuing you accept our cookie policy.</p><button>Accept all</button><button>Only necessary</button></div>\n");
        Links(html, "<nav>", "</nav>", zh ? ["首页", "产品", "商城", "课程", "服务与支持", "登录", "购物车 (0)"] : ["Home", "Products", "Shop", "Courses", "Support", "Login", "Cart (0)"]);
        html.Append("<main>\n<article>\n");
        var list = "";
        foreach (var block in page.Blocks)
        {
            var wanted = block is Entry entry ? entry.Number is null ? "ul" : "ol" : "";
            if (wanted != list)
            {
                html.Append(list.Length > 0 ? $"</{list}>\n" : "").Append(wanted.Length > 0 ? $"<{wanted}>\n" : "");
                list = wanted;
            }

            html.Append(block switch
            {
                Heading h => $"<h{h.Level}>{E(h.Text)}</h{h.Level}>\n",
                Paragraph p => $"<p>{E(p.Text)}</p>\n",
                Entry e => $"<li>{E(e.Text)}</li>\n",
                Table t => Rows(t),
                _ => "",
            });
        }

        html.Append(list.Length > 0 ? $"</{list}>\n" : "").Append("</article>\n</main>\n");
        Links(html, $"<aside><h3>{(zh ? "您可能还想看" : "You may also like")}</h3>", "</aside>", zh ? ["夏季促销", "麦芽礼包", "订阅通讯"] : ["Summer sale", "Malt gift box", "Subscribe to our newsletter"]);
        html.Append(zh
            ? "<footer><p>© 2025 苏德港酿造设备 版权所有 | 隐私 | 条款 | 网站地图</p></footer>\n"
            : "<footer><p>© 2025 Sudhaven Brewing Equipment. All rights reserved. | Privacy | Terms | Sitemap</p></footer>\n");
        return new UTF8Encoding(false).GetBytes(html.Append("</body>\n</html>\n").ToString());
    }

    private static string Rows(Table table)
    {
        var html = new StringBuilder("<table>\n");
        for (var i = 0; i < table.Rows.Count; i++)
        {
            var cell = i == 0 ? "th" : "td";
            html.Append("<tr>").AppendJoin("", table.Rows[i].Select(c => $"<{cell}>{E(c)}</{cell}>")).Append("</tr>\n");
        }

        return html.Append("</table>\n").ToString();
    }

    private static void Links(StringBuilder html, string open, string close, IEnumerable<string> names) =>
        html.Append(open).Append("<ul>").AppendJoin("", names.Select(n => $"<li><a href=\"#\">{E(n)}</a></li>")).Append("</ul>").Append(close).Append('\n');

    private static string E(string text) => WebUtility.HtmlEncode(text);
}
