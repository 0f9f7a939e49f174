using Lauter.Catalog.Objects;
using Lauter.Data.Operators;

namespace Lauter.Tests.Data;

public sealed class RecipeTests
{
    [Fact]
    public void Parse_ManyFaults_NamesAllWithPlaceAndNearestName()
    {
        var result = Recipe.Parse("bad", """
            operators:
              - normalize
              - drop_short: { minimun: 3 }
              - drop_near_duplicates: { threshold: 2, unit: wrds }
              - redact_personal_data: { kinds: [email, fone] }
            operatrs: []
            """);
        Assert.Null(result.Recipe);
        var faults = string.Join('\n', result.Faults);
        Assert.Contains("2:5", faults, StringComparison.Ordinal);
        Assert.Contains("Did you mean 'normalise'?", faults, StringComparison.Ordinal);
        Assert.Contains("3:19 drop_short: has no argument 'minimun'. Did you mean 'minimum'?", faults, StringComparison.Ordinal);
        Assert.Contains("must be a number from 0.5 to 1, but is '2'", faults, StringComparison.Ordinal);
        Assert.Contains("Did you mean 'words'?", faults, StringComparison.Ordinal);
        Assert.Contains("Did you mean 'phone'?", faults, StringComparison.Ordinal);
        Assert.Contains("changes text, so it must stand before 'drop_short'", faults, StringComparison.Ordinal);
        Assert.Contains("6:1 operatrs", faults, StringComparison.Ordinal);
    }

    [Fact]
    public void ToJson_SpellingOutDefaults_ChangesNothing()
    {
        var brief = Recipe.Parse("a", "operators: [drop_near_duplicates]").Recipe!;
        var full = Recipe.Parse("b", "operators: [drop_near_duplicates: { size: 3, threshold: 0.80, unit: words }]").Recipe!;
        Assert.Equal(CanonicalJson.Hash(brief.ToJson()), CanonicalJson.Hash(full.ToJson()));
    }

    [Fact]
    public void MeasureJson_OtherThreshold_StaysTheSame()
    {
        var low = Recipe.Parse("a", "operators: [normalise, drop_short: { minimum: 3 }, drop_near_duplicates: { threshold: 0.7 }]").Recipe!;
        var high = Recipe.Parse("a", "operators: [normalise, drop_short: { minimum: { zh: 9 } }, drop_near_duplicates: { threshold: 0.9 }]").Recipe!;
        Assert.Equal(CanonicalJson.Hash(low.MeasureJson()), CanonicalJson.Hash(high.MeasureJson()));
        Assert.NotEqual(CanonicalJson.Hash(low.ToJson()), CanonicalJson.Hash(high.ToJson()));
    }

    [Fact]
    public void BuiltIn_EveryName_Parses() => Assert.All(Recipe.BuiltInNames, name => Assert.NotEmpty(Recipe.BuiltIn(name)!.Operators));
}
