namespace Lauter.Data.Operators;

/// <summary>Counts tokens as one model does. Implemented where models are known; thread-safe.</summary>
public interface ITokenCounter
{
    /// <summary>Equal for equal vocabularies: part of cache keys.</summary>
    string Key { get; }

    /// <summary>Tokens of a text, without marks of begin and end.</summary>
    int Count(string text);
}

/// <summary>What a recipe may refer to outside itself.</summary>
public sealed record RecipeContext
{
    /// <summary>Where relative file names in the recipe begin; default: the current directory.</summary>
    public string Directory { get; init; } = ".";

    /// <summary>Opens the tokenizer of a model file; null where models are not known, and operators that count tokens are then faults.</summary>
    public Func<string, ITokenCounter>? OpenTokenizer { get; init; }
}
