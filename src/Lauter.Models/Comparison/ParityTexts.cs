namespace Lauter.Models.Comparison;

/// <summary>Texts on which forms of a model are compared when the caller has none: prose in two languages, code, and what tokenizers stumble over.</summary>
public static class ParityTexts
{
    /// <summary>Names and texts.</summary>
    public static IReadOnlyList<(string Name, string Text)> Default { get; } =
    [
        ("english", "The parcel left the warehouse on Monday, but the tracking page still shows the old address. Could you tell me whether the driver has the new one, and when the parcel will arrive?"),
        ("chinese", "包裹星期一已经离开仓库，但是物流页面仍然显示旧地址。请问司机是否已经知道新地址？大概什么时候可以送到？"),
        ("numbers", "Order 10482 of 2024-03-17: 3 × 19.99 EUR + 4.50 EUR shipping = 64.47 EUR; the card was charged 644.70 EUR instead."),
        ("code", "def total(rows):\n    return sum(row[\"price\"] * row[\"count\"] for row in rows if not row.get(\"void\"))\n"),
        ("white space", "  \t first\n\n\n   second\r\n\tthird   \n"),
        ("json", "{\"intent\": \"change_address\", \"confidence\": 0.93, \"slots\": {\"city\": \"Köln\", \"zip\": \"50667\"}}"),
        ("marks", "She said: \"It's 5 o'clock — isn't it?\" 🙂👩‍💻 … naïve café, Ελλάδα, Привет, 한국어."),
        ("list", "1. Unplug the router.\n2. Wait thirty seconds.\n3. Plug it in again and wait until the light is green.\nIf the light stays red, call us."),
    ];
}
