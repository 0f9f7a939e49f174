using Lauter.Inference.Grammars;

namespace Lauter.Inference.Tools;

/// <summary>The grammar of an answer that calls tools: the name is one of them, the arguments satisfy its schema.</summary>
internal static class ToolGrammar
{
    /// <summary>Compiles the grammar; faults name the tool and the place in its parameters.</summary>
    /// <param name="tools">The tools.</param>
    /// <param name="dialect">How calls are written.</param>
    /// <param name="afterMark">Whether the mark that opens the first call is already written.</param>
    public static GrammarResult Compile(ToolSet tools, ToolDialect dialect, bool afterMark)
    {
        var rules = new GrammarRules();
        var faults = new List<GrammarFault>();
        var calls = new List<string>();
        foreach (var tool in tools.Tools)
        {
            var compiler = new SchemaCompiler(tool.Parameters, rules);
            try
            {
                var body = compiler.Compile();
                calls.Add(rules.Rule($"{GrammarRules.Literal($"{{\"name\": \"{tool.Name}\", \"{dialect.Arguments}\": ")} {body} \"}}\""));
            }
            catch (GrammarBudgetException error)
            {
                faults.Add(new GrammarFault($"{tool.Name}:{error.Pointer}", error.Message));
            }

            faults.AddRange(compiler.Faults.Select(fault => fault with { Pointer = $"{tool.Name}:{fault.Pointer}" }));
        }

        if (faults.Count > 0)
        {
            return new GrammarResult(null, faults);
        }

        var call = rules.Rule(string.Join(" | ", calls));
        if (dialect.Open.Length == 0)
        {
            return new GrammarResult(rules.ToText(call), []);
        }

        var open = GrammarRules.Literal(dialect.Open);
        var close = GrammarRules.Literal(dialect.Close);
        var more = tools.Parallel ? $" (\"\\n\" {open} {call} {close})*" : "";
        var first = afterMark ? GrammarRules.Literal(dialect.Open[dialect.Mark.Length..]) : open;
        return new GrammarResult(rules.ToText($"{first} {call} {close}{more}"), []);
    }
}
