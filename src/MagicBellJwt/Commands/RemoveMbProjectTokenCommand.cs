using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Client;

namespace MagicBellJwt.Commands;

/// <summary>Revokes project tokens, at once and for good.</summary>
[Cmdlet(VerbsCommon.Remove, "MbProjectToken", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, HelpUri = HelpPages.Folder + "Remove-MbProjectToken.md")]
[Alias("Remove-MbProjectJwt")]
[OutputType(typeof(Revocation), typeof(PlannedChange))]
public sealed class RemoveMbProjectTokenCommand : RemoveTokenCmdlet
{
    private readonly List<(TokenReference Token, Session Session)> _ownTokens = [];
    private readonly Dictionary<Session, OwnTokenGuard> _guards = [];

    /// <summary>Allows to revoke tokens that sessions run on, after all others, and what may be one of them: the last live one, or one of the same times.</summary>
    [Parameter]
    [NotBlank]
    public SwitchParameter AllowSelfLockout { get; set; }

    private protected override TokenKind Kind => TokenKind.Project;

    /// <inheritdoc/>
    private protected override void End()
    {
        DoKept();
        Finish();

        // The one that the revocations themselves are sent with is the last.
        foreach ((TokenReference token, Session session) in _ownTokens.OrderBy(own => string.Equals(own.Token.Id, own.Session.TokenId, StringComparison.OrdinalIgnoreCase)))
        {
            Try(token.Id, () => base.Revoke(token, session));
        }

        base.End();
    }

    private protected override void Revoke(TokenReference token, Session session)
    {
        if (SessionStore.Current.Sessions.Append(session).FirstOrDefault(other => other.IsConnected && string.Equals(token.Id, other.TokenId, StringComparison.OrdinalIgnoreCase)) is { } owner)
        {
            if (!AllowSelfLockout)
            {
                throw new MagicBellException(
                    MagicBellError.SelfLockout,
                    owner == session
                        ? $"The session '{session.Name}' itself runs on the token {token.Id}: revoking it would end the session."
                        : $"The session '{owner.Name}' runs on the token {token.Id}: revoking it would end that session. Where it is done with: Disconnect-MbProject {CommandText.Quote(owner.Name)}");
            }

            _ownTokens.Add((token, session));
            return;
        }

        Session[] others = [.. SessionStore.Current.Sessions.Where(other => other != session && MayBeOfProject(other, session) && other is { IsConnected: true, IsTokenListed: false, IssuedAt: not null })];
        if (!AllowSelfLockout && !token.IsDiscarded && (others.Length > 0 || MayBeOwn(token, session)))
        {
            Guard(token, session, others);
        }

        base.Revoke(token, session);
    }

    // Where its token names its own id, and a list has shown that one, the session runs on no other; nor on what it issued itself.
    private static bool MayBeOwn(TokenReference token, Session session) =>
        !session.IsTokenListed && (session.TokenId is null || token.IssuedIn != session);

    private static bool MayBeOfProject(Session other, Session session) =>
        other.BaseAddress.Authority == session.BaseAddress.Authority
        && (other.Claims?.Project is not { } project || session.Claims?.Project is not { } own || project == own);

    private void Guard(TokenReference token, Session session, Session[] others)
    {
        if (!_guards.TryGetValue(session, out OwnTokenGuard? guard))
        {
            if (session.TokenId is null)
            {
                WriteWarning($"It cannot be told which token the session '{session.Name}' runs on: its token carries no id. Only the last live token, and those of the same times, are protected.");
            }

            _guards.Add(session, guard = new OwnTokenGuard(session));
        }

        if (Await(() => guard.FindOwnerAsync(token.Id, token.Listed, others, ReadCall)) is { } owner)
        {
            string why = owner.TokenId is null ? "" : $" The id that its token names as its own, {owner.TokenId}, is in no list.";
            throw new MagicBellException(
                MagicBellError.SelfLockout,
                $"The session '{owner.Name}' may run on the token {token.Id}: no other live one is listed, or its times are those of the session's token.{why}"
                + (owner == session ? "" : $" Where it is done with: Disconnect-MbProject {CommandText.Quote(owner.Name)}"));
        }
    }
}
