using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
namespace MagicBellJwt.Commands;

/// <content>What the commands do that make a plan, or are given the rows of one.</content>
public abstract partial class SessionCmdlet
{
    private readonly List<PlanRow> _plan = [];

    /// <summary>Whether nothing is to be changed, because of -WhatIf or its preference.</summary>
    private protected bool IsPreview => MyInvocation.BoundParameters.TryGetValue("WhatIf", out object? bound)
        ? LanguagePrimitives.IsTrue(bound)
        : LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference"));

    /// <summary>Whether rows of a plan are kept.</summary>
    private protected bool IsPlanKept => _plan.Count > 0;

    /// <summary>Whether an input is a row of a plan. It is kept then: a plan is done when all of it has been read.</summary>
    /// <param name="item">The input.</param>
    /// <param name="number">Which input it is, from 1.</param>
    private protected bool KeepPlanned(PSObject item, long number)
    {
        if (PlanRow.Read(item, number) is not { } row)
        {
            return false;
        }

        _plan.Add(row);
        return true;
    }

    /// <summary>Looks the tokens of the plan up, each list once. Nothing is sent where a row of it is damaged.</summary>
    /// <param name="kind">The kind of token that the command is for.</param>
    /// <param name="verb">The command's verb.</param>
    /// <param name="refused">Is told of each row that is reported as an error.</param>
    /// <returns>The rows that may be done, each token once.</returns>
    private protected IReadOnlyList<WantedToken> LookUpPlan(TokenKind kind, string verb, Action<PlanRow> refused)
    {
        PlanRow[] rows = [.. _plan];
        _plan.Clear();
        var wanted = new List<WantedToken>();
        if (!Try(null, () => PlanRow.Check(rows)))
        {
            return wanted;
        }

        foreach (PlanRow row in rows.GroupBy(row => row.Id, StringComparer.OrdinalIgnoreCase).Select(same => same.First()))
        {
            bool isFit = Try(row.Id, () =>
            {
                TokenReference token = TokenReference.From(row.Item, kind, Session, verb);
                Session session = SessionOf(token);
                row.Check(MyInvocation.MyCommand.Name, session);
                wanted.Add(new WantedToken(token, new TokenScope(session, kind, token.UserId), row));
            });
            if (!isFit)
            {
                refused(row);
            }
        }

        LookUp(wanted);
        return wanted;
    }

    /// <summary>Looks tokens up, each list once and no further than needed. A list that cannot be read is an error.</summary>
    private protected void LookUp(IReadOnlyList<WantedToken> wanted)
    {
        foreach (IGrouping<(Session Session, string? UserId), WantedToken> list in wanted.GroupBy(token => (token.Scope.Session, token.Scope.UserId)))
        {
            TokenScope scope = list.First().Scope;
            var missing = list.ToDictionary(token => token.Token.Id, StringComparer.OrdinalIgnoreCase);
            Start(scope.UserId ?? scope.Session.Name, async () =>
            {
                TokenReader reader = scope.Open();
                while (missing.Count > 0 && await reader.ReadAsync(ReadCall).ConfigureAwait(false) is { } page)
                {
                    foreach (ListedToken token in page)
                    {
                        if (token.Id is { } id && missing.TryGetValue(id, out WantedToken? found))
                        {
                            found.Listed = token;
                            missing.Remove(id);
                        }
                    }
                }

                foreach (WantedToken token in list)
                {
                    token.IsLookedUp = true;
                }
            });
        }

        Finish();
    }

    /// <summary>A token that is looked up before anything is done to it.</summary>
    /// <param name="token">The token, as it was given.</param>
    /// <param name="scope">The list that it is to be in.</param>
    /// <param name="row">The row of a plan that names it; null where no plan does.</param>
    private protected sealed class WantedToken(TokenReference token, TokenScope scope, PlanRow? row)
    {
        internal TokenReference Token { get; } = token;

        internal TokenScope Scope { get; } = scope;

        internal PlanRow? Row { get; } = row;

        /// <summary>Whether the list was read.</summary>
        internal bool IsLookedUp { get; set; }

        /// <summary>The token as the list shows it; null where it does not.</summary>
        internal ListedToken? Listed { get; set; }
    }
}
