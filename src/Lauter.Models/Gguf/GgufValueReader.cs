using System.Runtime.InteropServices;

namespace Lauter.Models.Gguf;

/// <summary>Kinds of metadata values; the numbers are those of the file format.</summary>
internal enum GgufValueKind
{
    UInt8 = 0,
    Int8 = 1,
    UInt16 = 2,
    Int16 = 3,
    UInt32 = 4,
    Int32 = 5,
    Float32 = 6,
    Bool = 7,
    Text = 8,
    Array = 9,
    UInt64 = 10,
    Int64 = 11,
    Float64 = 12,
}

/// <summary>Reads one typed metadata value. Arrays of arrays are refused, as llama.cpp refuses them: so there is no nesting to bound.</summary>
internal static class GgufValueReader
{
    public static object Read(GgufCursor cursor, string key)
    {
        var kind = (GgufValueKind)cursor.UInt32($"kind of '{key}'");
        if (kind != GgufValueKind.Array)
        {
            return Scalar(cursor, kind, key);
        }

        var element = (GgufValueKind)cursor.UInt32($"element kind of '{key}'");
        var least = Size(element);
        if (least == 0)
        {
            throw cursor.Fault($"'{key}' is an array of kind {(uint)element}, which is {(element == GgufValueKind.Array ? "an array of arrays and not supported" : "unknown")}");
        }

        var count = cursor.Count($"length of '{key}'", Math.Min(GgufLimits.MaxArrayValues, Math.Max(0, cursor.Remaining - 8) / least));
        return element switch
        {
            GgufValueKind.UInt8 => Numbers<byte>(cursor, count, key),
            GgufValueKind.Int8 => Numbers<sbyte>(cursor, count, key),
            GgufValueKind.UInt16 => Numbers<ushort>(cursor, count, key),
            GgufValueKind.Int16 => Numbers<short>(cursor, count, key),
            GgufValueKind.UInt32 => Numbers<uint>(cursor, count, key),
            GgufValueKind.Int32 => Numbers<int>(cursor, count, key),
            GgufValueKind.Float32 => Numbers<float>(cursor, count, key),
            GgufValueKind.UInt64 => Numbers<ulong>(cursor, count, key),
            GgufValueKind.Int64 => Numbers<long>(cursor, count, key),
            GgufValueKind.Float64 => Numbers<double>(cursor, count, key),
            GgufValueKind.Bool => Flags(cursor, count, key),
            _ => Texts(cursor, count, key),
        };
    }

    private static object Scalar(GgufCursor cursor, GgufValueKind kind, string key) => kind switch
    {
        GgufValueKind.UInt8 => cursor.Byte(key),
        GgufValueKind.Int8 => unchecked((sbyte)cursor.Byte(key)),
        GgufValueKind.UInt16 => Numbers<ushort>(cursor, 1, key)[0],
        GgufValueKind.Int16 => Numbers<short>(cursor, 1, key)[0],
        GgufValueKind.UInt32 => cursor.UInt32(key),
        GgufValueKind.Int32 => unchecked((int)cursor.UInt32(key)),
        GgufValueKind.Float32 => BitConverter.UInt32BitsToSingle(cursor.UInt32(key)),
        GgufValueKind.Bool => Flag(cursor, key),
        GgufValueKind.Text => cursor.Text($"value of '{key}'", GgufLimits.MaxTextBytes, strict: false),
        GgufValueKind.UInt64 => cursor.UInt64(key),
        GgufValueKind.Int64 => unchecked((long)cursor.UInt64(key)),
        GgufValueKind.Float64 => BitConverter.UInt64BitsToDouble(cursor.UInt64(key)),
        _ => throw cursor.Fault($"'{key}' has the unknown kind {(uint)kind}"),
    };

    private static bool Flag(GgufCursor cursor, string key)
    {
        var value = cursor.Byte(key);
        return value <= 1 ? value == 1 : throw cursor.Fault($"'{key}' is a truth value of {value}, but must be 0 or 1");
    }

    private static bool[] Flags(GgufCursor cursor, long count, string key)
    {
        var flags = new bool[count];
        for (var i = 0; i < flags.Length; i++)
        {
            flags[i] = Flag(cursor, key);
        }

        return flags;
    }

    private static string[] Texts(GgufCursor cursor, long count, string key)
    {
        var texts = new string[count];
        for (var i = 0; i < texts.Length; i++)
        {
            texts[i] = cursor.Text($"'{key}'[{i}]", GgufLimits.MaxTextBytes, strict: false);
        }

        return texts;
    }

    private static T[] Numbers<T>(GgufCursor cursor, long count, string key)
        where T : unmanaged
    {
        var numbers = new T[count];
        cursor.Fill(MemoryMarshal.AsBytes(numbers.AsSpan()), key);
        return numbers;
    }

    private static int Size(GgufValueKind kind) => kind switch
    {
        GgufValueKind.UInt8 or GgufValueKind.Int8 or GgufValueKind.Bool => 1,
        GgufValueKind.UInt16 or GgufValueKind.Int16 => 2,
        GgufValueKind.UInt32 or GgufValueKind.Int32 or GgufValueKind.Float32 => 4,
        GgufValueKind.UInt64 or GgufValueKind.Int64 or GgufValueKind.Float64 or GgufValueKind.Text => 8,
        _ => 0,
    };
}
