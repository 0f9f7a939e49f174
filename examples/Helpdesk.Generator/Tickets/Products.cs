namespace Helpdesk.Generator.Tickets;

/// <summary>The maker's products as customers write them.</summary>
internal static class Products
{
    public static readonly IReadOnlyDictionary<string, string[]> Names = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        ["BK-30"] = ["BK-30", "BK30", "BK 30", "bk-30", "BK-30 kettle"],
        ["BK-50"] = ["BK-50", "BK50", "BK 50", "bk-50", "BK-50 kettle"],
        ["Corvin F20"] = ["Corvin F20", "F20", "Corvin F-20", "F20 fermenter"],
        ["Corvin F60"] = ["Corvin F60", "F60", "Corvin F-60", "F60 fermenter"],
        ["Glint C4"] = ["Glint C4", "C4 chiller", "Glint chiller", "glint c4"],
        ["Marl M2"] = ["Marl M2", "M2 mill", "Marl mill", "Marl M-2"],
        ["Tessel T3"] = ["Tessel T3", "T3 tap unit", "Tessel", "Tessel T-3"],
        ["Lumo H1"] = ["Lumo H1", "Lumo hub", "H1 hub", "Lumo"],
    };

    public static readonly IReadOnlyDictionary<string, string[]> ChineseNames = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        ["BK-30"] = ["BK-30", "BK30", "BK-30煮沸锅", "bk30"],
        ["BK-50"] = ["BK-50", "BK50", "BK-50煮沸锅", "bk50"],
        ["Corvin F20"] = ["Corvin F20", "F20发酵罐", "科文F20", "F20"],
        ["Corvin F60"] = ["Corvin F60", "F60发酵罐", "科文F60", "F60"],
        ["Glint C4"] = ["Glint C4", "C4冷却器", "Glint冷却器"],
        ["Marl M2"] = ["Marl M2", "M2磨麦机", "Marl磨麦机"],
        ["Tessel T3"] = ["Tessel T3", "T3酒头", "Tessel打酒机"],
        ["Lumo H1"] = ["Lumo H1", "Lumo网关", "H1网关"],
    };

    public const string None = "none";

    public static bool Mentioned(string text, string product) =>
        Names[product].Concat(ChineseNames[product]).Any(n => text.Contains(n, StringComparison.OrdinalIgnoreCase));
}
