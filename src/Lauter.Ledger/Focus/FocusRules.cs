using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Lauter.Ledger.Focus;

/// <summary>A rule of the specification that a file breaks.</summary>
/// <param name="Row">Row in the file, the first one after the head is 1; 0 = the file as a whole.</param>
/// <param name="Rule">The rule's name: its column and what it asks.</param>
/// <param name="Text">What was seen.</param>
public sealed record FocusViolation(int Row, string Rule, string Text);

/// <summary>
/// Checks a cost and usage file rule by rule against FOCUS 1.2 (FinOps Open Cost and Usage Specification, columns and attributes, wherever its text says MUST
/// and a file alone can show it). Works on any provider's file.
/// </summary>
public static partial class FocusRules
{
    private static readonly string[] Mandatory =
    [
        "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription",
        "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit", "ProviderName",
        "PublisherName", "ServiceCategory", "ServiceName",
    ];

    private static readonly string[] Known =
    [
        .. Mandatory, "AvailabilityZone", "BillingAccountType", "CapacityReservationId", "CapacityReservationStatus", "ChargeFrequency", "CommitmentDiscountCategory", "CommitmentDiscountId",
        "CommitmentDiscountName", "CommitmentDiscountQuantity", "CommitmentDiscountStatus", "CommitmentDiscountType", "CommitmentDiscountUnit", "ConsumedQuantity", "ConsumedUnit", "ContractedUnitPrice",
        "InvoiceId", "ListUnitPrice", "PricingCategory", "PricingCurrency", "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice", "RegionId", "RegionName",
        "ResourceId", "ResourceName", "ResourceType", "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId", "SubAccountId", "SubAccountName", "SubAccountType", "Tags",
    ];

    private static readonly string[] NeverNull =
    [
        "BilledCost", "BillingAccountId", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost",
        "EffectiveCost", "InvoiceIssuerName", "ListCost", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName", "ServiceSubcategory",
    ];

    private static readonly string[] Numbers =
    [
        "BilledCost", "ContractedCost", "EffectiveCost", "ListCost", "PricingQuantity", "ConsumedQuantity", "ContractedUnitPrice", "ListUnitPrice", "CommitmentDiscountQuantity",
        "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice",
    ];

    private static readonly string[] Instants = ["BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart"];

    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["ChargeCategory"] = ["Usage", "Purchase", "Tax", "Credit", "Adjustment"],
        ["ChargeClass"] = ["Correction"],
        ["ChargeFrequency"] = ["One-Time", "Recurring", "Usage-Based"],
        ["PricingCategory"] = ["Standard", "Dynamic", "Committed", "Other"],
        ["CommitmentDiscountCategory"] = ["Spend", "Usage"],
        ["CommitmentDiscountStatus"] = ["Used", "Unused"],
        ["CapacityReservationStatus"] = ["Used", "Unused"],
        ["ServiceCategory"] =
        [
            "AI and Machine Learning", "Analytics", "Business Applications", "Compute", "Databases", "Developer Tools", "Identity", "Integration", "Internet of Things", "Management and Governance",
            "Media", "Migration", "Mobile", "Multicloud", "Networking", "Security", "Storage", "Web", "Other",
        ],
    };

    private static readonly Dictionary<string, string[]> Subcategories = new(StringComparer.Ordinal)
    {
        ["AI and Machine Learning"] = ["AI Platforms", "Bots", "Generative AI", "Machine Learning", "Natural Language Processing", "Other (AI and Machine Learning)"],
        ["Compute"] = ["Containers", "End User Computing", "Quantum Compute", "Serverless Compute", "Virtual Machines", "Other (Compute)"],
    };

    /// <summary>The name of every rule that is checked.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "Columns.MandatoryPresent", "Columns.CustomPrefix", "Columns.Unique", "Row.FieldCount",
        .. NeverNull.Select(c => $"{c}.NotNull"), .. Numbers.Select(c => $"{c}.NumericFormat"), .. Instants.Select(c => $"{c}.DateTimeFormat"), .. Allowed.Keys.Select(c => $"{c}.AllowedValue"),
        "BillingCurrency.CurrencyFormat", "BillingPeriodEnd.AfterStart", "ChargePeriodEnd.AfterStart", "ChargePeriod.InsideBillingPeriod", "Null.NoEmptyText", "Tags.KeyValueFormat", "SkuPriceDetails.KeyValueFormat",
        "PricingQuantity.UsageNotNull", "PricingQuantity.TaxNull", "PricingUnit.FollowsPricingQuantity", "PricingUnit.UnitFormat", "ConsumedUnit.UnitFormat", "ConsumedUnit.FollowsConsumedQuantity",
        "ConsumedQuantity.UsageOnly", "ConsumedQuantity.UsageNotNull", "ListUnitPrice.UsageNotNull", "ListUnitPrice.TaxNull", "ListUnitPrice.NotNegative", "ContractedUnitPrice.UsageNotNull",
        "ContractedUnitPrice.TaxNull", "ContractedUnitPrice.NotNegative", "ListCost.IsProduct", "ContractedCost.IsProduct", "ListCost.MatchesBilledWithoutPrice", "ContractedCost.MatchesBilledWithoutPrice",
        "EffectiveCost.MatchesBilledUnrelated", "PricingCategory.UsageNotNull", "PricingCategory.TaxNull", "ChargeFrequency.PurchaseNotUsageBased", "SkuMeter.NullWithoutSku", "SkuPriceId.UsageNotNull", "SkuPriceId.TaxNull",
        "SkuPriceId.OneParent", "SubAccountName.NullWithoutId", "ResourceName.NullWithoutId", "ResourceType.FollowsResourceId", "ServiceSubcategory.OneParent",
    ];

    /// <summary>Every rule that the file breaks, in the order of its rows.</summary>
    /// <param name="csv">The file.</param>
    /// <exception cref="FormatException">It is no CSV.</exception>
    public static IReadOnlyList<FocusViolation> Check(TextReader csv)
    {
        List<FocusViolation> violations = [];
        using var rows = Csv.Read(csv).GetEnumerator();
        var head = rows.MoveNext() ? rows.Current : [];
        foreach (var missing in Mandatory.Except(head, StringComparer.Ordinal))
        {
            violations.Add(new FocusViolation(0, "Columns.MandatoryPresent", $"The column {missing} is missing."));
        }

        foreach (var custom in head.Where(h => h is not null && !Known.Contains(h, StringComparer.Ordinal) && !h.StartsWith("x_", StringComparison.Ordinal)))
        {
            violations.Add(new FocusViolation(0, "Columns.CustomPrefix", $"The column {custom} is not one of FOCUS 1.2; a custom one begins with x_."));
        }

        foreach (var twice in head.GroupBy(h => h).Where(g => g.Count() > 1))
        {
            violations.Add(new FocusViolation(0, "Columns.Unique", $"The column {twice.Key} is there {twice.Count()} times."));
        }

        var parents = new Dictionary<string, string?>(StringComparer.Ordinal);
        for (var number = 1; rows.MoveNext(); number++)
        {
            if (rows.Current.Length != head.Length)
            {
                violations.Add(new FocusViolation(number, "Row.FieldCount", $"{rows.Current.Length} fields in {head.Length} columns."));
                continue;
            }

            var row = new FocusRow(number, head, rows.Current, violations);
            Formats(row);
            Costs(row);
            Dimensions(row, parents);
        }

        return violations;
    }

    /// <summary>Null handling, types and allowed values.</summary>
    private static void Formats(FocusRow row)
    {
        foreach (var column in NeverNull.Where(row.Has))
        {
            row.Must($"{column}.NotNull", row[column] is not null, "it is null");
        }

        foreach (var column in Known.Where(row.Has))
        {
            row.Must("Null.NoEmptyText", row[column] is not { } text || (text.Trim().Length > 0 && !PlaceholderForm().IsMatch(text)), $"{column} is '{row[column]}' instead of null");
        }

        foreach (var column in Numbers.Where(c => row[c] is not null))
        {
            row.Must($"{column}.NumericFormat", NumberForm().IsMatch(row[column]!), $"'{row[column]}'");
        }

        foreach (var column in Instants.Where(c => row[c] is not null))
        {
            row.Must($"{column}.DateTimeFormat", row.Instant(column) is not null, $"'{row[column]}' is not of the form 2026-03-31T00:00:00Z");
        }

        foreach (var (column, values) in Allowed.Where(a => row[a.Key] is not null))
        {
            row.Must($"{column}.AllowedValue", values.Contains(row[column], StringComparer.Ordinal), $"'{row[column]}'");
        }

        row.Must("BillingCurrency.CurrencyFormat", row["BillingCurrency"] is not { } currency || Money.IsCurrency(currency), $"'{row["BillingCurrency"]}'");
        row.Must("BillingPeriodEnd.AfterStart", !(row.Instant("BillingPeriodEnd") <= row.Instant("BillingPeriodStart")), "the period is empty");
        row.Must("ChargePeriodEnd.AfterStart", !(row.Instant("ChargePeriodEnd") <= row.Instant("ChargePeriodStart")), "the end is exclusive, so it lies after the start");
        row.Must(
            "ChargePeriod.InsideBillingPeriod",
            row.IsCorrection || row["ChargeCategory"] != "Usage" || !(row.Instant("ChargePeriodStart") < row.Instant("BillingPeriodStart") || row.Instant("ChargePeriodEnd") > row.Instant("BillingPeriodEnd")),
            "use of another billing period that is no correction");
        foreach (var column in (string[])["Tags", "SkuPriceDetails"])
        {
            row.Must($"{column}.KeyValueFormat", row[column] is not { } json || IsKeyValue(json), $"'{row[column]}' is not a JSON object of plain values");
        }
    }

    /// <summary>Quantities, unit prices and what follows from them.</summary>
    private static void Costs(FocusRow row)
    {
        var (used, tax) = (row["ChargeCategory"] is "Usage" or "Purchase" && !row.IsCorrection, row["ChargeCategory"] == "Tax");
        foreach (var column in (string[])["PricingQuantity", "ListUnitPrice", "ContractedUnitPrice", "PricingCategory", "SkuPriceId"])
        {
            row.Must($"{column}.UsageNotNull", !row.Has(column) || !used || row[column] is not null, "it is null for use or a purchase");
            row.Must($"{column}.TaxNull", !tax || row[column] is null, "it is not null for a tax");
        }

        row.Must("PricingUnit.FollowsPricingQuantity", (row["PricingUnit"] is null) == (row["PricingQuantity"] is null), $"unit '{row["PricingUnit"]}', quantity '{row["PricingQuantity"]}'");
        row.Must("ConsumedUnit.FollowsConsumedQuantity", (row["ConsumedUnit"] is null) == (row["ConsumedQuantity"] is null), $"unit '{row["ConsumedUnit"]}', quantity '{row["ConsumedQuantity"]}'");
        foreach (var column in (string[])["PricingUnit", "ConsumedUnit"])
        {
            row.Must($"{column}.UnitFormat", row[column] is not { } unit || UnitForm().IsMatch(unit), $"'{row[column]}'");
        }

        row.Must("ConsumedQuantity.UsageOnly", row["ChargeCategory"] == "Usage" || row["ConsumedQuantity"] is null, $"'{row["ConsumedQuantity"]}' for a {row["ChargeCategory"]}");
        row.Must(
            "ConsumedQuantity.UsageNotNull",
            !row.Has("ConsumedQuantity") || row["ChargeCategory"] != "Usage" || row.IsCorrection || row["CommitmentDiscountStatus"] == "Unused" || row.Number("ConsumedQuantity") > 0,
            $"'{row["ConsumedQuantity"]}' is not above 0");
        foreach (var (price, cost) in (ReadOnlySpan<(string, string)>)[("ListUnitPrice", "ListCost"), ("ContractedUnitPrice", "ContractedCost")])
        {
            row.Must($"{price}.NotNegative", !(row.Number(price) < 0), $"'{row[price]}'");
            if (row.Number(price) is { } unitPrice && row.Number("PricingQuantity") is { } quantity && row.Number(cost) is { } stated)
            {
                row.Must($"{cost}.IsProduct", row.IsCorrection || unitPrice * quantity == stated, $"{unitPrice} × {quantity} is {unitPrice * quantity}, not {stated}");
            }
            else if (row[price] is null && row["ChargeCategory"] is "Credit" or "Adjustment")
            {
                row.Must($"{cost}.MatchesBilledWithoutPrice", row.Number(cost) == row.Number("BilledCost"), $"'{row[cost]}', billed '{row["BilledCost"]}'");
            }
        }

        row.Must(
            "EffectiveCost.MatchesBilledUnrelated", row["ChargeCategory"] is not ("Credit" or "Adjustment") || row.Number("EffectiveCost") == row.Number("BilledCost"),
            $"'{row["EffectiveCost"]}', billed '{row["BilledCost"]}'");
    }

    /// <summary>What belongs together.</summary>
    private static void Dimensions(FocusRow row, Dictionary<string, string?> parents)
    {
        row.Must("ChargeFrequency.PurchaseNotUsageBased", row["ChargeCategory"] != "Purchase" || row["ChargeFrequency"] != "Usage-Based", "a purchase is not usage-based");
        row.Must("SkuMeter.NullWithoutSku", row["SkuMeter"] is null || row["SkuId"] is not null, $"'{row["SkuMeter"]}' without a SkuId");
        row.Must("SubAccountName.NullWithoutId", row["SubAccountName"] is null || row["SubAccountId"] is not null, $"'{row["SubAccountName"]}' without a SubAccountId");
        row.Must("ResourceName.NullWithoutId", row["ResourceName"] is null || row["ResourceId"] is not null, $"'{row["ResourceName"]}' without a ResourceId");
        row.Must(
            "ResourceType.FollowsResourceId", !row.Has("ResourceType") || (row["ResourceType"] is null) == (row["ResourceId"] is null), $"'{row["ResourceType"]}' for the resource '{row["ResourceId"]}'");
        if (row["SkuPriceId"] is { } price)
        {
            row.Must("SkuPriceId.OneParent", parents.TryAdd(price, row["SkuId"]) || parents[price] == row["SkuId"], $"'{price}' belongs to '{parents[price]}' and to '{row["SkuId"]}'");
        }

        row.Must(
            "ServiceSubcategory.OneParent",
            row["ServiceSubcategory"] is not { } child || row["ServiceCategory"] is not { } parent || !Subcategories.TryGetValue(parent, out var children) || children.Contains(child, StringComparer.Ordinal),
            $"'{row["ServiceSubcategory"]}' is not one of '{row["ServiceCategory"]}'");
    }

    private static bool IsKeyValue(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.EnumerateObject().All(m => m.Value.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array));
        }
        catch (JsonException)
        {
            return false;
        }
    }

    [GeneratedRegex(@"^-?\d+(\.\d+)?$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NumberForm();

    [GeneratedRegex("^(null|n/a|none|not applicable|-)$", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PlaceholderForm();

    /// <summary>An optional quantity, then capitalised base units joined by hyphens, and perhaps a denominator.</summary>
    [GeneratedRegex(@"^([1-9]\d* )?[A-Z][A-Za-z]*(-[A-Z][A-Za-z]*)*(/([1-9]\d* )?[A-Z][A-Za-z]*)?$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex UnitForm();

    private sealed class FocusRow(int number, string?[] head, string?[] fields, List<FocusViolation> violations)
    {
        public string? this[string column] => Array.IndexOf(head, column) is var i and >= 0 ? fields[i] : null;

        public bool IsCorrection => this["ChargeClass"] == "Correction";

        public bool Has(string column) => Array.IndexOf(head, column) >= 0;

        public decimal? Number(string column) =>
            this[column] is { } text && NumberForm().IsMatch(text) && decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : null;

        public DateTimeOffset? Instant(string column) =>
            DateTimeOffset.TryParseExact(this[column], "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null;

        public void Must(string rule, bool holds, string seen)
        {
            if (!holds)
            {
                violations.Add(new FocusViolation(number, rule, seen));
            }
        }
    }
}
