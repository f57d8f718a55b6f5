using System.Collections;
using System.Collections.Generic;
using System.Linq;

namespace MagicBellJwt.Completion;

/// <summary>Completes -UserId with the users that this session was asked about: no operation of the API lists users.</summary>
public sealed class UserIdCompleter : ValueCompleter
{
    private protected override IEnumerable<(string Text, string ToolTip)> Values(string commandName, string parameterName, IDictionary boundParameters) =>
        SessionOf(boundParameters).RecentUsers.Select(userId => (userId, $"user {userId}, seen in this session"));
}
