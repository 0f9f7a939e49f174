using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Lauter.Build
{
    /// <summary>What <see cref="WeakSymbolVersion.Apply"/> found in a shared object.</summary>
    public enum WeakSymbolVersionResult
    {
        /// <summary>Not a 64-bit little-endian ELF file, or the version is not required: nothing to do.</summary>
        NotRequired,

        /// <summary>The requirement was strong and is weak now.</summary>
        MadeWeak,

        /// <summary>The requirement was weak before.</summary>
        AlreadyWeak,

        /// <summary>Symbols other than the marker need the version, so a weak requirement would only move the failure to the first call.</summary>
        NeededByOthers,
    }

    /// <summary>
    /// Sets VER_FLG_WEAK on one required symbol version of an ELF shared object, so that the loader accepts a C++ runtime that lacks it.
    /// libLibTorchSharp.so is built by GCC 13 and thereby requires GLIBCXX_3.4.32 for a single marker without any relocation; with the
    /// flag it loads and runs on the GCC 12 runtime of Debian 12. Layout: System V ABI, "Symbol Versioning" (.gnu.version_r).
    /// </summary>
    public static class WeakSymbolVersion
    {
        /// <summary>The version that GCC 13's iostream header asks for.</summary>
        public const string Version = "GLIBCXX_3.4.32";

        /// <summary>The only symbol that may need <see cref="Version"/> for the requirement to be made weak.</summary>
        public const string Marker = "_ZSt21ios_base_library_initv";

        private const int SectionVersionSymbols = 0x6fffffff;
        private const int SectionVersionNeeds = 0x6ffffffe;
        private const ushort FlagWeak = 0x2;

        /// <summary>Changes <paramref name="image"/> (the whole file) in place; at most one 16-bit field changes.</summary>
        public static WeakSymbolVersionResult Apply(byte[] image)
        {
            if (!TryFindRequirement(image, out var flagsAt, out var versionIndex, out var sections))
            {
                return WeakSymbolVersionResult.NotRequired;
            }

            if ((BitConverter.ToUInt16(image, flagsAt) & FlagWeak) != 0)
            {
                return WeakSymbolVersionResult.AlreadyWeak;
            }

            foreach (var name in SymbolsOfVersion(image, sections, versionIndex))
            {
                if (name != Marker)
                {
                    return WeakSymbolVersionResult.NeededByOthers;
                }
            }

            image[flagsAt] |= (byte)FlagWeak;
            return WeakSymbolVersionResult.MadeWeak;
        }

        private static bool TryFindRequirement(byte[] image, out int flagsAt, out ushort versionIndex, out List<Section> sections)
        {
            flagsAt = 0;
            versionIndex = 0;
            sections = ReadSections(image);
            var needs = sections.Find(s => s.Type == SectionVersionNeeds);
            if (needs is null)
            {
                return false;
            }

            var names = sections[needs.Link];
            for (int need = needs.Offset, next = -1; next != 0; need += next)
            {
                next = BitConverter.ToInt32(image, need + 12);
                var auxiliary = need + BitConverter.ToInt32(image, need + 8);
                for (int left = BitConverter.ToUInt16(image, need + 2); left > 0; left--)
                {
                    if (ReadName(image, names.Offset + BitConverter.ToInt32(image, auxiliary + 8)) == Version)
                    {
                        flagsAt = auxiliary + 4;
                        versionIndex = BitConverter.ToUInt16(image, auxiliary + 6);
                        return true;
                    }

                    auxiliary += BitConverter.ToInt32(image, auxiliary + 12);
                }
            }

            return false;
        }

        private static IEnumerable<string> SymbolsOfVersion(byte[] image, List<Section> sections, ushort versionIndex)
        {
            var versions = sections.Find(s => s.Type == SectionVersionSymbols);
            if (versions is null)
            {
                yield break;
            }

            var symbols = sections[versions.Link];
            var names = sections[symbols.Link];
            for (var i = 0; i < versions.Size / 2; i++)
            {
                if ((BitConverter.ToUInt16(image, versions.Offset + (2 * i)) & 0x7fff) == versionIndex)
                {
                    yield return ReadName(image, names.Offset + BitConverter.ToInt32(image, symbols.Offset + (24 * i)));
                }
            }
        }

        private static List<Section> ReadSections(byte[] image)
        {
            var sections = new List<Section>();
            var isElf64 = image.Length > 64 && image[0] == 0x7f && image[1] == 'E' && image[2] == 'L' && image[3] == 'F' && image[4] == 2 && image[5] == 1;
            if (!isElf64)
            {
                return sections;
            }

            var at = checked((int)BitConverter.ToInt64(image, 0x28));
            int entrySize = BitConverter.ToUInt16(image, 0x3a), count = BitConverter.ToUInt16(image, 0x3c);
            for (var i = 0; i < count; i++, at += entrySize)
            {
                sections.Add(new Section(
                    BitConverter.ToInt32(image, at + 4),
                    checked((int)BitConverter.ToInt64(image, at + 24)),
                    checked((int)BitConverter.ToInt64(image, at + 32)),
                    BitConverter.ToInt32(image, at + 40)));
            }

            return sections;
        }

        private static string ReadName(byte[] image, int at) => Encoding.ASCII.GetString(image, at, Array.IndexOf(image, (byte)0, at) - at);

        private sealed class Section
        {
            public Section(int type, int offset, int size, int link)
            {
                Type = type;
                Offset = offset;
                Size = size;
                Link = link;
            }

            public int Type { get; }

            public int Offset { get; }

            public int Size { get; }

            public int Link { get; }
        }
    }

#if !LAUTER_TRAINING
    /// <summary>Copies a shared object and makes the requirement in the copy weak. Used by NativeFix.targets.</summary>
    public sealed class CopyWithWeakSymbolVersion : Microsoft.Build.Utilities.Task
    {
        [Microsoft.Build.Framework.Required]
        public string Source { get; set; }

        [Microsoft.Build.Framework.Required]
        public string Destination { get; set; }

        public override bool Execute()
        {
            var image = File.ReadAllBytes(Source);
            var result = WeakSymbolVersion.Apply(image);
            if (result == WeakSymbolVersionResult.NeededByOthers)
            {
                Log.LogWarning("{0}: other symbols than {1} need {2} now; the library will not load on systems with an older C++ runtime.", Source, WeakSymbolVersion.Marker, WeakSymbolVersion.Version);
            }

            // A second process may build the same project: the rename makes the file appear whole.
            Directory.CreateDirectory(Path.GetDirectoryName(Destination));
            var temporary = Destination + "." + Guid.NewGuid().ToString("N");
            File.WriteAllBytes(temporary, image);
            File.Delete(Destination);
            File.Move(temporary, Destination);
            Log.LogMessage(Microsoft.Build.Framework.MessageImportance.Normal, "{0}: {1}", Destination, result);
            return true;
        }
    }
#endif
}
