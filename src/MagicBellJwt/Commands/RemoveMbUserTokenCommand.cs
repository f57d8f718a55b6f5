using System.Collections.Generic;
using System.Management.Automation;
using MagicBellJwt.Client;

namespace MagicBellJwt.Commands;

/// <summary>Revokes tokens of users, at once and for good.</summary>
[Cmdlet(VerbsCommon.Remove, "MbUserToken", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, HelpUri = HelpPages.Folder + "Remove-MbUserToken.md")]
[Alias("Remove-MbUserJwt")]
[OutputType(typeof(Revocation), typeof(PlannedChange))]
public sealed class RemoveMbUserTokenCommand : RemoveTokenCmdlet
{
    private readonly Dictionary<(Session, UserReference), UserMatch> _askedAgain = [];

    private protected override TokenKind Kind => TokenKind.User;

    private protected override void Revoke(TokenReference token, Session session)
    {
        if (token.Listed?.Found is { IsRemembered: true } found)
        {
            AskAgain(found, session);
        }

        base.Revoke(token, session);
    }

    // The list was asked for by an address that the session knew from before: it may be somebody else's by now.
    private void AskAgain(UserMatch found, Session session)
    {
        if (!_askedAgain.TryGetValue((session, found.Asked), out UserMatch? now))
        {
            now = Await(() => session.Users.FindAsync([found.Asked], isAnew: true, ReadCall, ((IPipeline)this).Verbose))[0];
            _askedAgain.Add((session, found.Asked), now);
        }

        if (now.Failure is { } failure)
        {
            throw failure;
        }

        if (now.User!.UserId != found.User!.UserId)
        {
            throw new MagicBellException(
                MagicBellError.Conflict,
                $"'{ScreenText.Of(found.Asked.Target)}' meant the user {found.User.UserId} when the tokens were listed, and means {now.User.UserId} now. Nothing was revoked: list them again.");
        }
    }
}
