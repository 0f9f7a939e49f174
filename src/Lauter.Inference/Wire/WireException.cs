namespace Lauter.Inference.Wire;

/// <summary>A request that is answered by an error in OpenAI's form; <see cref="Exception.Message"/> is for the caller to read.</summary>
internal sealed class WireException(int status, string code, string message, string? parameter = null) : Exception(message)
{
    public int Status => status;

    public string Code => code;

    public string? Parameter => parameter;

    /// <summary>Seconds after which the caller may try again.</summary>
    public int? RetryAfterSeconds { get; init; }

    public string Type => Status switch
    {
        429 => "rate_limit_error",
        >= 500 => "server_error",
        _ => "invalid_request_error",
    };

    public static WireException Invalid(string parameter, string message, string code = "invalid_value") => new(400, code, message, parameter);
}
