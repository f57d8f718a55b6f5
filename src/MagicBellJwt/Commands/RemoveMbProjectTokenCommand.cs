using System;
using System.Collections.Generic;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Client;

namespace MagicBellJwt.Commands;

/// <summary>Revokes project tokens, at once and for good.</summary>
[Cmdlet(VerbsCommon.Remove, "MbProjectToken", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, HelpUri = HelpPages.Folder + "Remove-MbProjectToken.md")]
[Alias("Remove-MbProjectJwt")]
[OutputType(typeof(Revocation))]
public sealed class RemoveMbProjectTokenCommand : RemoveTokenCmdlet
{
    private readonly List<(TokenReference Token, Session Session)> _ownTokens = [];
    private readonly Dictionary<Session, HashSet<string>> _liveTokens = [];

    /// <summary>Allows to revoke the token that the session itself runs on, after all others, and the last live one.</summary>
    [Parameter]
    public SwitchParameter AllowSelfLockout { get; set; }

    private protected override TokenKind Kind => TokenKind.Project;

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        Finish();
        foreach ((TokenReference token, Session session) in _ownTokens)
        {
            Try(token.Id, () => base.Revoke(token, session));
        }

        Finish();
    }

    private protected override void Revoke(TokenReference token, Session session)
    {
        if (string.Equals(token.Id, session.TokenId, StringComparison.OrdinalIgnoreCase))
        {
            if (!AllowSelfLockout)
            {
                throw new MagicBellException(
                    MagicBellError.SelfLockout,
                    $"The session '{session.Name}' itself runs on the token {token.Id}: revoking it would end the session.");
            }

            _ownTokens.Add((token, session));
            return;
        }

        if (session.TokenId is null && !AllowSelfLockout && !token.IsDiscarded && TakesLast(token, session))
        {
            throw new MagicBellException(
                MagicBellError.SelfLockout,
                $"The token {token.Id} is the last live one of project '{session.Name}', so this session runs on it.");
        }

        base.Revoke(token, session);
    }

    // A session whose own token is known keeps that one alive; where it is not known, only a count tells.
    private bool TakesLast(TokenReference token, Session session)
    {
        if (!_liveTokens.TryGetValue(session, out HashSet<string>? live))
        {
            WriteWarning($"It cannot be told which token the session '{session.Name}' runs on: its token carries no id. Only the last live token is protected.");
            live = Await(() => LiveTokensAsync(session));
            _liveTokens.Add(session, live);
        }

        if (live.Count == 1 && live.Contains(token.Id))
        {
            return true;
        }

        live.Remove(token.Id);
        return false;
    }

    private async Task<HashSet<string>> LiveTokensAsync(Session session)
    {
        var live = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        TokenPages pages = session.Service.FetchProjectTokensAsync(new PageRequest(100));
        while (true)
        {
            Task<IReadOnlyList<ListedTokenRecord>?> reading = pages.ReadAsync(ReadCall);
            await ((Task)reading).ConfigureAwait(false);
            if (reading.Result is null)
            {
                return live;
            }

            foreach (ListedTokenRecord record in reading.Result)
            {
                if (record.Id is { } id && new ProjectToken(record, session).Status == TokenStatus.Active)
                {
                    live.Add(id);
                }
            }
        }
    }
}
