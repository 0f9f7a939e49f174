using System.Security.Cryptography;
using Lauter.Catalog.Objects;

namespace Lauter.Releases.Evidence;

/// <summary>Walks a chain of manifests back to the user's files, offline, and reads every byte of it again.</summary>
public static class EvidenceChain
{
    /// <summary>
    /// Checks the manifest <paramref name="releaseSha256"/>, its files and sources, and the same of every manifest it rests on. Never
    /// throws for a fault of the chain: all faults are in the report, each with what depends on it.
    /// </summary>
    /// <param name="store">The store of the project.</param>
    /// <param name="releaseSha256">Where to begin; any manifest, a release usually.</param>
    /// <param name="projectDirectory">When given, the sources are compared with the project's files of today.</param>
    /// <param name="cancellationToken">Stops the walk.</param>
    public static VerifyReport Verify(
        ObjectStore store, string releaseSha256, string? projectDirectory = null, CancellationToken cancellationToken = default) =>
        new Walk(store, cancellationToken).Run(releaseSha256, projectDirectory);

    private sealed class Walk(ObjectStore store, CancellationToken cancellationToken)
    {
        private readonly List<EvidenceNode> _nodes = [];
        private readonly List<(EvidenceFaultKind Kind, string Sha256, string What, string Detail, string? Owner)> _faults = [];
        private readonly Dictionary<string, (EvidenceFaultKind? Fault, string Detail, long Bytes)> _checked = new(StringComparer.Ordinal);
        private readonly Dictionary<string, List<string>> _dependents = new(StringComparer.Ordinal);
        private readonly Dictionary<string, string> _titles = new(StringComparer.Ordinal);
        private readonly HashSet<string> _objects = new(StringComparer.Ordinal);
        private readonly Dictionary<string, ManifestSource> _sources = new(StringComparer.Ordinal);
        private string? _root;

        public VerifyReport Run(string root, string? projectDirectory)
        {
            var pending = new Queue<(string Sha256, string? Kind, string? Name)>();
            var met = new HashSet<string>(StringComparer.Ordinal) { root };
            pending.Enqueue((root, null, null));
            while (pending.TryDequeue(out var next))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (Visit(next.Sha256, next.Kind, next.Name) is not { } manifest)
                {
                    continue;
                }

                foreach (var link in manifest.Inputs)
                {
                    Dependents(link.Sha256).Add(next.Sha256);
                    if (met.Add(link.Sha256))
                    {
                        pending.Enqueue((link.Sha256, link.Kind, link.Name));
                    }
                }
            }

            CheckLinks();
            return new VerifyReport
            {
                Root = root,
                Nodes = [.. _nodes.Select(n => n with { Intact = !_faults.Any(f => f.Owner == n.Sha256) })],
                Faults = [.. _faults.Select(f => new EvidenceFault(f.Kind, f.Sha256, f.What, f.Detail, RestingOn(f.Owner)))],
                SourceChanges = projectDirectory is null ? [] : Compare(projectDirectory),
                ObjectsChecked = _objects.Count,
                SourcesChecked = _sources.Count,
                BytesChecked = _checked.Values.Sum(c => c.Bytes),
            };
        }

        private Manifest? Visit(string sha256, string? kind, string? name)
        {
            var title = kind is null ? "the release" : $"{kind} {name}";
            _titles[sha256] = Title(title, sha256);
            _root ??= sha256;
            var manifest = ReadManifest(sha256, $"manifest of {title}");
            if (manifest is not null && kind is null)
            {
                _titles[sha256] = Title($"{manifest.Kind} {manifest.Name}", sha256);
            }

            kind ??= manifest?.Kind;
            name ??= manifest?.Name;
            _nodes.Add(new EvidenceNode
            {
                Sha256 = sha256,
                Kind = kind ?? "unknown",
                Name = name ?? "unknown",
                Objects = manifest?.Objects.Count ?? 0,
                Sources = manifest?.Sources.Count ?? 0,
                SourcePaths = [.. manifest?.Sources.Select(s => s.Path) ?? []],
                Bytes = manifest is null ? 0 : manifest.Objects.Sum(o => o.Bytes) + manifest.Sources.Sum(s => s.Bytes),
                Intact = true,
                Inputs = manifest is null ? [] : [.. manifest.Inputs.Select(i => new EvidenceLink(i.Role, i.Sha256))],
            });
            if (manifest is null)
            {
                return null;
            }

            foreach (var file in manifest.Objects)
            {
                _objects.Add(file.Sha256);
                Check(file.Sha256, file.Bytes, $"file {file.Name} of {kind} {name}", sha256);
            }

            foreach (var source in manifest.Sources)
            {
                _sources.TryAdd(source.Path + "\0" + source.Sha256, source);
                Check(source.Sha256, source.Bytes, $"source {source.Path} of {kind} {name}", sha256);
            }

            return manifest;
        }

        private Manifest? ReadManifest(string sha256, string what)
        {
            if (!Check(sha256, null, what, sha256))
            {
                return null;
            }

            try
            {
                return Manifest.Read(store, sha256);
            }
            catch (InvalidDataException e)
            {
                _faults.Add((EvidenceFaultKind.NotAManifest, sha256, what, e.Message, sha256));
                return null;
            }
        }

        /// <summary>Reads the object again once, however often it is named; a fault is told for each manifest that names it.</summary>
        private bool Check(string sha256, long? bytes, string what, string owner)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!_checked.TryGetValue(sha256, out var result))
            {
                _checked[sha256] = result = Hash(sha256);
            }

            if (result.Fault is { } fault)
            {
                _faults.Add((fault, sha256, what, result.Detail, owner));
                return false;
            }

            if (bytes is { } expected && expected != result.Bytes)
            {
                _faults.Add((EvidenceFaultKind.WrongLength, sha256, what, $"The manifest states {expected} bytes, the object has {result.Bytes}.", owner));
                return false;
            }

            return true;
        }

        private (EvidenceFaultKind? Fault, string Detail, long Bytes) Hash(string sha256)
        {
            if (!ObjectStore.IsName(sha256))
            {
                return (EvidenceFaultKind.Missing, $"'{sha256}' is not the name of an object.", 0);
            }

            try
            {
                using var stream = store.OpenRead(sha256);
                var actual = Convert.ToHexStringLower(SHA256.HashData(stream));
                return actual == sha256
                    ? (null, "", stream.Length)
                    : (EvidenceFaultKind.Changed, $"Its bytes hash to {actual}; expected {sha256} ({store.PathOf(sha256)}).", stream.Length);
            }
            catch (ObjectMissingException)
            {
                return (EvidenceFaultKind.Missing, $"The store has no object {sha256}; expected at {store.PathOf(sha256)}.", 0);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return (EvidenceFaultKind.Unreadable, $"Object {sha256} could not be read: {e.Message}", 0);
            }
        }

        /// <summary>A link that calls its target by another kind or name would show one thing and prove another.</summary>
        private void CheckLinks()
        {
            foreach (var node in _nodes.ToArray())
            {
                if (node.Inputs.Count == 0 || _checked[node.Sha256].Fault is not null)
                {
                    continue;
                }

                foreach (var link in Manifest.Read(store, node.Sha256).Inputs)
                {
                    if (_checked[link.Sha256].Fault is null
                        && !_faults.Any(f => f.Kind == EvidenceFaultKind.NotAManifest && f.Sha256 == link.Sha256)
                        && Manifest.Read(store, link.Sha256) is var target
                        && (target.Kind != link.Kind || target.Name != link.Name))
                    {
                        _faults.Add((
                            EvidenceFaultKind.WrongLink, link.Sha256, $"input {link.Role} of {node.Kind} {node.Name}",
                            $"The link says {link.Kind} {link.Name}, the manifest says {target.Kind} {target.Name}.", node.Sha256));
                    }
                }
            }
        }

        private List<string> RestingOn(string? owner)
        {
            var order = new List<string>();
            var met = new HashSet<string>(StringComparer.Ordinal);
            var pending = new Queue<string>();
            if (owner is not null)
            {
                pending.Enqueue(owner);
            }

            while (pending.TryDequeue(out var sha256))
            {
                if (!met.Add(sha256))
                {
                    continue;
                }

                if (sha256 != _root)
                {
                    order.Add(_titles[sha256]);
                }

                foreach (var dependent in Dependents(sha256))
                {
                    pending.Enqueue(dependent);
                }
            }

            order.Add(_titles[_root!]);
            return order;
        }

        private List<SourceChange> Compare(string projectDirectory)
        {
            var changes = new List<SourceChange>();
            foreach (var source in _sources.Values.OrderBy(s => s.Path, StringComparer.Ordinal))
            {
                var path = Path.Combine(projectDirectory, source.Path);
                if (!File.Exists(path))
                {
                    changes.Add(new SourceChange(source.Path, "removed"));
                    continue;
                }

                using var stream = File.OpenRead(path);
                if (stream.Length != source.Bytes || Convert.ToHexStringLower(SHA256.HashData(stream)) != source.Sha256)
                {
                    changes.Add(new SourceChange(source.Path, "changed"));
                }
            }

            return changes;
        }

        private List<string> Dependents(string sha256)
        {
            if (!_dependents.TryGetValue(sha256, out var list))
            {
                _dependents[sha256] = list = [];
            }

            return list;
        }

        private static string Title(string text, string sha256) => $"{text} {(sha256.Length > 12 ? sha256[..12] : sha256)}";
    }
}
