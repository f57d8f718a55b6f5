using System;
using System.Collections.Generic;
using System.Linq;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;

namespace MagicBellJwt.Rotation;

/// <summary>Picks the token that a name means, out of a list and what the journal knows of it.</summary>
internal static class TokenPicker
{
    /// <summary>The one live token of a name.</summary>
    /// <param name="scope">The list.</param>
    /// <param name="tokens">What is in it.</param>
    /// <param name="name">The name, exactly.</param>
    /// <param name="entries">The rotations of this project and kind, the oldest first.</param>
    /// <exception cref="MagicBellException">There is none, or there are several.</exception>
    internal static ListedToken Pick(TokenScope scope, IReadOnlyList<ListedToken> tokens, string name, IReadOnlyList<RotationEntry> entries)
    {
        ListedToken[] meant = Meant(scope, tokens, name, entries);
        return meant.Length switch
        {
            1 => meant[0],
            0 => throw new MagicBellException(MagicBellError.TokenNotFound, $"No live {scope.Noun} is named '{name}'{(tokens.Any(token => token.Name == name && scope.IsLive(token)) ? " but those that an interrupted rotation left" : "")}."),
            _ => throw new MagicBellException(MagicBellError.Conflict, $"{meant.Length} live {scope.Noun}s are named '{name}': {string.Join(", ", meant.Select(token => token.Id))}."),
        };
    }

    /// <summary>The live tokens that a name means: not the old ones of finished rotations, nor new ones that may have no holder.</summary>
    internal static ListedToken[] Meant(TokenScope scope, IReadOnlyList<ListedToken> tokens, string name, IReadOnlyList<RotationEntry> entries)
    {
        var passedOver = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (RotationEntry entry in entries)
        {
            passedOver.UnionWith(entry.PossibleOrphans);
            if (entry.IsCompleted)
            {
                passedOver.Add(entry.OldId);
            }
            else if (entry.NewId is not null && entry.Step != RotationStep.HandedOver)
            {
                passedOver.Add(entry.NewId);
            }
        }

        return [.. tokens.Where(token => token.Name == name && scope.IsLive(token) && !passedOver.Contains(token.Id ?? ""))];
    }
}
