namespace Lauter.Models.Templates;

/// <summary>A chat template.</summary>
public sealed partial class ChatTemplate
{
    /// <summary>The template of models trained from scratch here: <c>&lt;|im_start|&gt;role, line feed, content, &lt;|im_end|&gt;, line feed</c>; the assistant's content and its end mark are trained.</summary>
    public const string ChatMl =
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}"
        + "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\\n' }}"
        + "{% else %}{{ message['content'] + '<|im_end|>\\n' }}{% endif %}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
}
