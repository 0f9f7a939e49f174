using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using TorchSharp;

namespace Lauter.Training.Natives;

/// <summary>
/// Products of row-major fp32 matrices, by the sgemm inside libtorch (MKL) without a tensor around it: the caller chooses the memory, the
/// stride and the thread. Where libtorch does not export it, a plain managed product stands in: slow, and right.
/// </summary>
internal static unsafe class Blas
{
    private static readonly Lazy<nint> Library = new(Find);
    private static readonly delegate* unmanaged<byte*, byte*, int*, int*, int*, float*, float*, int*, float*, int*, float*, float*, int*, void> Sgemm =
        (delegate* unmanaged<byte*, byte*, int*, int*, int*, float*, float*, int*, float*, int*, float*, float*, int*, void>)Export("sgemm_");

    private static readonly delegate* unmanaged<int, int> SetThreads = (delegate* unmanaged<int, int>)Export("MKL_Set_Num_Threads_Local");

    /// <summary>Whether the fast product is there.</summary>
    public static bool IsNative => Sgemm is not null && SetThreads is not null;

    /// <summary>Lets products started on this thread use so many threads; 0 = libtorch's own number. Returns the number before.</summary>
    public static int UseThreads(int count) => SetThreads is null ? 0 : SetThreads(count);

    /// <summary>y[n, m] = beta·y + alpha · x[n, k] · w[m, k]ᵀ: a linear layer whose weight rows are outputs.</summary>
    public static void Linear(float* x, int xStride, float* w, int wStride, float* y, int yStride, int n, int m, int k, float alpha = 1, float beta = 0) =>
        Multiply((byte)'T', (byte)'N', m, n, k, alpha, w, wStride, x, xStride, beta, y, yStride);

    /// <summary>y[n, m] = beta·y + alpha · x[n, k] · w[k, m].</summary>
    public static void Product(float* x, int xStride, float* w, int wStride, float* y, int yStride, int n, int m, int k, float alpha = 1, float beta = 0) =>
        Multiply((byte)'N', (byte)'N', m, n, k, alpha, w, wStride, x, xStride, beta, y, yStride);

    /// <summary>y[n, m] = beta·y + alpha · x[k, n]ᵀ · w[k, m]: sums over rows, as gradients of weights do.</summary>
    public static void Transposed(float* x, int xStride, float* w, int wStride, float* y, int yStride, int n, int m, int k, float alpha = 1, float beta = 0) =>
        Multiply((byte)'N', (byte)'T', m, n, k, alpha, w, wStride, x, xStride, beta, y, yStride);

    /// <summary>BLAS counts columns first, so a row-major matrix is its own transpose there: y = x·w becomes yᵀ = wᵀ·xᵀ.</summary>
    private static void Multiply(byte first, byte second, int m, int n, int k, float alpha, float* a, int aStride, float* b, int bStride, float beta, float* c, int cStride)
    {
        if (m == 0 || n == 0)
        {
            return;
        }

        if (IsNative)
        {
            Sgemm(&first, &second, &m, &n, &k, &alpha, a, &aStride, b, &bStride, &beta, c, &cStride);
        }
        else
        {
            Managed(first == 'T', second == 'T', m, n, k, alpha, a, aStride, b, bStride, beta, c, cStride);
        }
    }

    /// <summary>y = x·w of dense matrices by the fast path or by the managed one, so that they can be compared; flags turn an operand round.</summary>
    internal static void Compare(bool native, bool turnX, bool turnW, float[] x, float[] w, float[] y, int n, int m, int k)
    {
        fixed (float* px = x, pw = w, py = y)
        {
            int xStride = turnX ? n : k, wStride = turnW ? k : m;
            if (!native)
            {
                Managed(turnW, turnX, m, n, k, 0.5f, pw, wStride, px, xStride, 0.25f, py, m);
            }
            else
            {
                Multiply(turnW ? (byte)'T' : (byte)'N', turnX ? (byte)'T' : (byte)'N', m, n, k, 0.5f, pw, wStride, px, xStride, 0.25f, py, m);
            }
        }
    }

    /// <summary>The reference beside the fast path; also what other platforms run on.</summary>
    private static void Managed(bool transposeA, bool transposeB, int m, int n, int k, float alpha, float* a, int aStride, float* b, int bStride, float beta, float* c, int cStride)
    {
        var column = new float[k];
        for (var j = 0; j < n; j++)
        {
            for (var l = 0; l < k; l++)
            {
                column[l] = alpha * (transposeB ? b[((long)l * bStride) + j] : b[((long)j * bStride) + l]);
            }

            var target = new Span<float>(c + ((long)j * cStride), m);
            if (beta == 0)
            {
                target.Clear();
            }
            else
            {
                TensorPrimitives.Multiply(target, beta, target);
            }

            for (var i = 0; transposeA && i < m; i++)
            {
                target[i] += TensorPrimitives.Dot(new ReadOnlySpan<float>(a + ((long)i * aStride), k), column);
            }

            for (var l = 0; !transposeA && l < k; l++)
            {
                TensorPrimitives.MultiplyAdd(new ReadOnlySpan<float>(a + ((long)l * aStride), m), column[l], target, target);
            }
        }
    }

    private static nint Export(string name) => Library.Value != 0 && NativeLibrary.TryGetExport(Library.Value, name, out var address) ? address : 0;

    private static nint Find()
    {
        Torch.EnsureLoaded();
        foreach (var name in new[] { "libtorch_cpu.so", "torch_cpu" })
        {
            if (NativeLibrary.TryLoad(name, typeof(torch).Assembly, null, out var handle) || NativeLibrary.TryLoad(name, typeof(Blas).Assembly, null, out handle))
            {
                return handle;
            }
        }

        return 0;
    }
}
