using Json.Schema;
using Lauter.Data.Redaction;

namespace Lauter.Gateway.Guards;

/// <summary>What a guard does with what it finds.</summary>
public enum GuardAction
{
    /// <summary>Writes it into the trace and counts it.</summary>
    Log,

    /// <summary>Replaces it by a mask before a provider sees it.</summary>
    Mask,

    /// <summary>Refuses the request, or the answer.</summary>
    Block,
}

/// <summary>One guard of an application.</summary>
/// <param name="Name">Its name in the configuration, in traces and in metrics.</param>
/// <param name="Action">What it does.</param>
/// <param name="Requests">It looks at what the caller sends.</param>
/// <param name="Answers">It looks at what comes back.</param>
public abstract record Guard(string Name, GuardAction Action, bool Requests, bool Answers);

/// <summary>Personal data: addresses, numbers of people, cards and accounts, with check digits where they have them.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Action">What it does.</param>
/// <param name="Requests">Looks at requests.</param>
/// <param name="Answers">Looks at answers.</param>
/// <param name="Kinds">Kinds that count; others pass.</param>
/// <param name="Restore">Put the original back where the answer repeats a mask. Only with <see cref="GuardAction.Mask"/>.</param>
public sealed record PersonalDataGuard(string Name, GuardAction Action, bool Requests, bool Answers, IReadOnlySet<PersonalDataKind> Kinds, bool Restore)
    : Guard(Name, Action, Requests, Answers);

/// <summary>A bank of words.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Action">What it does.</param>
/// <param name="Requests">Looks at requests.</param>
/// <param name="Answers">Looks at answers.</param>
/// <param name="Words">The words.</param>
public sealed record WordGuard(string Name, GuardAction Action, bool Requests, bool Answers, WordBank Words) : Guard(Name, Action, Requests, Answers);

/// <summary>Texts that try to take the model over. Heuristics: they miss some and suspect others, so they log unless told otherwise.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Action">What it does; <see cref="GuardAction.Mask"/> is taken for <see cref="GuardAction.Log"/>.</param>
/// <param name="Threshold">Sum of weights from which a text is suspect. Default 1.</param>
public sealed record InjectionGuard(string Name, GuardAction Action, double Threshold = 1) : Guard(Name, Action, Requests: true, Answers: false);

/// <summary>Answers must be JSON of a schema. Fences and text around the JSON, and a missing end, are mended first.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Action"><see cref="GuardAction.Log"/> lets a wrong answer pass; everything else refuses it.</param>
/// <param name="Schema">The schema.</param>
/// <param name="Repair">Mend what can be mended. Default true.</param>
public sealed record SchemaGuard(string Name, GuardAction Action, JsonSchema Schema, bool Repair = true) : Guard(Name, Action, Requests: false, Answers: true);
