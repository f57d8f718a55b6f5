using System.Collections;
using System.Collections.Generic;
using System.Linq;

namespace MagicBellJwt.Completion;

/// <summary>Completes -Session with the names of this runspace's sessions.</summary>
public sealed class SessionCompleter : ValueCompleter
{
    private protected override IEnumerable<(string Text, string ToolTip)> Values(string commandName, string parameterName, IDictionary boundParameters, string typed) =>
        SessionStore.Current.Sessions.Select(session => (session.Name, $"{session.Name}, {session.BaseAddress}, token {session.Fingerprint}"));
}
