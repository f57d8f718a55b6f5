using System.Collections;
using System.Collections.Generic;

namespace MagicBellJwt.Completion;

/// <summary>Completes -ExpiresIn with the lifetimes that people use.</summary>
public sealed class LifetimeCompleter : ValueCompleter
{
    private protected override IEnumerable<(string Text, string ToolTip)> Values(string commandName, string parameterName, IDictionary boundParameters, string typed) =>
    [
        ("1h", "an hour"),
        ("12h", "twelve hours"),
        ("1d", "a day"),
        ("7d", "a week"),
        ("30d", "thirty days"),
        ("90d", "ninety days"),
        ("365d", "a year"),
    ];
}
