using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Lauter.Inference.Wire;

/// <summary><c>POST /v1/completions</c>: continue a text or a token sequence.</summary>
internal static class CompletionEndpoint
{
    public static async Task HandleAsync(HttpContext http, EngineContext engine, JsonElement root)
    {
        var body = new WireReader(root);
        var logProbabilities = body.Integer("logprobs", 0, 20);
        body.Refuse("suffix", value => value.ValueKind == JsonValueKind.String && value.GetRawText().Length == 2, "Leave it out.");
        body.Refuse("best_of", value => value.ValueKind == JsonValueKind.Number && value.GetDouble() == 1, "Leave it out.");
        var settings = GenerationReader.Read(body, engine, EngineWire.Tenant(http), logProbabilities ?? -1);
        // OpenAI's default for this endpoint.
        settings = settings with { MaxTokens = settings.MaxTokens ?? 16 };
        var prompt = ReadPrompt(body, engine);
        var echo = body.Flag("echo");
        var most = GenerationRunner.FitContext(prompt.Length, settings.MaxTokens, engine.ContextLength);
        var scores = echo && logProbabilities is { } top ? top : -1;
        var jobs = Enumerable.Range(0, settings.Count).Select(index => settings.Job(index, prompt, most, null, http.RequestAborted, scores)).ToArray();
        var shape = new CompletionShape(engine.Model, jobs, echo ? Echo(body, engine, prompt) : null, logProbabilities is not null);
        await GenerationRunner.RunAsync(http, engine, jobs, settings, shape);
    }

    private static int[] ReadPrompt(WireReader body, EngineContext engine)
    {
        var prompt = body.Member("prompt") ?? throw WireException.Invalid("prompt", "'prompt' is missing.", "missing_required_parameter");
        switch (prompt.ValueKind)
        {
            case JsonValueKind.String:
                return engine.Model.Tokenize(WireReader.Checked(prompt, "prompt", GenerationReader.LongestText), addBeginning: true, parseSpecial: false);
            case JsonValueKind.Array when prompt.GetArrayLength() > 0 && prompt[0].ValueKind == JsonValueKind.Number:
                return EngineWire.ReadTokens(prompt, "prompt", engine.Model.VocabularySize);
            case JsonValueKind.Array when prompt.GetArrayLength() == 1 && prompt[0].ValueKind == JsonValueKind.String:
                return engine.Model.Tokenize(WireReader.Checked(prompt[0], "prompt", GenerationReader.LongestText), addBeginning: true, parseSpecial: false);
            default:
                throw WireException.Invalid("prompt", "'prompt' must be one string or one array of token ids; send several prompts as several requests.");
        }
    }

    private static string Echo(WireReader body, EngineContext engine, int[] prompt) => body.Member("prompt") is { ValueKind: JsonValueKind.String } text
        ? text.GetString()!
        : Encoding.UTF8.GetString([.. prompt.SelectMany(token => engine.Model.Piece(token).ToArray())]);
}
