namespace Lauter.Inference.Prefixes;

/// <summary>Whose prefixes may serve whom: only requests with equal keys share anything.</summary>
/// <param name="Tenant">The caller; the quota is counted per tenant.</param>
/// <param name="Adapter">The adapter and how often one of its name was loaded: the same words have other keys and values under other weights.</param>
/// <param name="Template">The version of the chat template.</param>
/// <param name="Salt">What the caller gave to keep groups of its own requests apart; empty for none.</param>
internal sealed record PrefixKey(string Tenant, string Adapter, string Template, string Salt);
