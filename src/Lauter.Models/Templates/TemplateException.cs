namespace Lauter.Models.Templates;

/// <summary>Why a template failed.</summary>
public enum TemplateFault
{
    /// <summary>The template's text is wrong or uses what is not supported.</summary>
    Syntax,

    /// <summary>Rendering failed: a missing value, a wrong type, a call that makes no sense.</summary>
    Render,

    /// <summary>The template itself refused its input with <c>raise_exception</c>; the message is the template's.</summary>
    Raised,

    /// <summary>The template tried what the sandbox forbids.</summary>
    Forbidden,

    /// <summary>The template went beyond a limit of steps, depth or output.</summary>
    Limit,
}

/// <summary>A template cannot be parsed or rendered; nothing was rendered.</summary>
public sealed class TemplateException : Exception
{
    /// <summary>An exception without details; prefer the one with a message.</summary>
    public TemplateException()
    {
    }

    /// <summary>An exception with its message.</summary>
    public TemplateException(string message)
        : base(message)
    {
    }

    /// <summary>An exception with its message and cause.</summary>
    public TemplateException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal TemplateException(TemplateFault fault, string message, int line = 0, int column = 0)
        : base(line > 0 && fault != TemplateFault.Raised ? $"line {line}, column {column}: {message}" : message)
    {
        Fault = fault;
        Line = line;
        Column = column;
    }

    /// <summary>Why it failed.</summary>
    public TemplateFault Fault { get; } = TemplateFault.Render;

    /// <summary>Line in the template, from 1; 0 = unknown.</summary>
    public int Line { get; }

    /// <summary>Column in the line, from 1; 0 = unknown.</summary>
    public int Column { get; }
}
