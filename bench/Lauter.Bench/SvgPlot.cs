using System.Globalization;
using System.Security;
using System.Text;

namespace Lauter.Bench;

/// <summary>A line on a plot.</summary>
/// <param name="Name">Its legend.</param>
/// <param name="Colour">A CSS colour.</param>
/// <param name="Points">x and y.</param>
/// <param name="Dashed">For limits and stated values.</param>
internal sealed record PlotLine(string Name, string Colour, IReadOnlyList<(double X, double Y)> Points, bool Dashed = false);

/// <summary>Lines over a linear or logarithmic x, as SVG that any browser shows: no library, no fonts, no native code.</summary>
internal static class SvgPlot
{
    private const double Width = 760, Height = 420, Left = 64, Right = 190, Top = 44, Bottom = 52;

    public static string Render(string title, string xName, string yName, IReadOnlyList<PlotLine> lines, bool logX, double? yMaximum = null)
    {
        var xs = lines.SelectMany(l => l.Points).Select(p => p.X).Distinct().Order().ToArray();
        var top = yMaximum ?? (lines.SelectMany(l => l.Points).Max(p => p.Y) * 1.08);
        double X(double x) => Left + (Scale(x, xs[0], xs[^1], logX) * (Width - Left - Right));
        double Y(double y) => Height - Bottom - (Math.Min(y, top) / top * (Height - Top - Bottom));
        var svg = new StringBuilder();
        Add($"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {Height}" font-family="sans-serif" font-size="12">""");
        Add($"""<rect width="{Width}" height="{Height}" fill="white"/><text x="{Left}" y="24" font-size="15">{SecurityElement.Escape(title)}</text>""");
        for (var i = 0; i <= 5; i++)
        {
            var value = top * i / 5;
            Add($"""<line x1="{Left}" x2="{Width - Right}" y1="{Y(value):0.0}" y2="{Y(value):0.0}" stroke="#e4e4e4"/><text x="{Left - 8}" y="{Y(value) + 4:0.0}" text-anchor="end">{Figure(value)}</text>""");
        }

        foreach (var x in xs)
        {
            Add($"""<line x1="{X(x):0.0}" x2="{X(x):0.0}" y1="{Height - Bottom}" y2="{Height - Bottom + 5}" stroke="#444"/><text x="{X(x):0.0}" y="{Height - Bottom + 18}" text-anchor="middle">{Figure(x)}</text>""");
        }

        Add($"""<text x="{(Left + Width - Right) / 2}" y="{Height - 12}" text-anchor="middle">{SecurityElement.Escape(xName)}</text><text transform="translate(16 {(Top + Height - Bottom) / 2}) rotate(-90)" text-anchor="middle">{SecurityElement.Escape(yName)}</text>""");
        var row = 0;
        foreach (var line in lines)
        {
            var points = string.Join(' ', line.Points.OrderBy(p => p.X).Select(p => string.Create(CultureInfo.InvariantCulture, $"{X(p.X):0.0},{Y(p.Y):0.0}")));
            Add($"""<polyline points="{points}" fill="none" stroke="{line.Colour}" stroke-width="2"{(line.Dashed ? " stroke-dasharray=\"6 4\"" : "")}/>""");
            if (!line.Dashed)
            {
                foreach (var (x, y) in line.Points)
                {
                    Add($"""<circle cx="{X(x):0.0}" cy="{Y(y):0.0}" r="3" fill="{line.Colour}"/>""");
                }
            }

            var at = Top + 8 + (row++ * 18);
            Add($"""<line x1="{Width - Right + 12}" x2="{Width - Right + 36}" y1="{at}" y2="{at}" stroke="{line.Colour}" stroke-width="2"{(line.Dashed ? " stroke-dasharray=\"6 4\"" : "")}/><text x="{Width - Right + 42}" y="{at + 4}">{SecurityElement.Escape(line.Name)}</text>""");
        }

        return svg.Append("</svg>\n").ToString();

        void Add(FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    private static double Scale(double x, double low, double high, bool log) =>
        high <= low ? 0.5 : log ? (Math.Log(x) - Math.Log(low)) / (Math.Log(high) - Math.Log(low)) : (x - low) / (high - low);

    private static string Figure(double value) => value.ToString(value >= 1_000 ? "N0" : "0.###", CultureInfo.InvariantCulture);
}
