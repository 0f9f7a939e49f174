using MudBlazor;

namespace Lauter.Console.Components;

/// <summary>
/// Type and corners for the component library. Its colours are set in <c>console.css</c>, where light and dark follow the reader's system
/// without a script.
/// </summary>
internal static class ConsoleTheme
{
    public static MudTheme Theme { get; } = new()
    {
        LayoutProperties = new LayoutProperties { DefaultBorderRadius = "8px" },
        Typography = new Typography
        {
            Default = new DefaultTypography { FontFamily = ["var(--font)"], FontSize = "0.9375rem", LineHeight = "1.5" },
        },
    };
}
