using System.Text.Json.Serialization;

namespace Lauter.Inference.Engine;

/// <summary>How options travel from the parent to the engine.</summary>
[JsonSerializable(typeof(EngineOptions))]
internal sealed partial class EngineOptionsJson : JsonSerializerContext;
