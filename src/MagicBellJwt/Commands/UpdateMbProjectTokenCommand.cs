using System;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Client;

namespace MagicBellJwt.Commands;

/// <summary>Replaces project tokens by fresh ones: stored and proved before the old ones end, whatever interrupts it.</summary>
[Cmdlet(VerbsData.Update, "MbProjectToken", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium, DefaultParameterSetName = "Name", HelpUri = HelpPages.Folder + "Update-MbProjectToken.md")]
[Alias("Update-MbProjectJwt")]
[OutputType(typeof(TokenRotation), typeof(IssuedToken))]
public sealed class UpdateMbProjectTokenCommand : UpdateTokenCmdlet
{
    private protected override TokenKind Kind => TokenKind.Project;

    private protected override TokenPages List(JwtService service, string? userId, PageRequest page) => service.FetchProjectTokensAsync(page);

    private protected override ListedToken Wrap(ListedTokenRecord record, Session session, string? userId) => new ProjectToken(record, session);

    private protected override void Check(string? name, long? lifetime)
    {
        RequestValidation.CheckName(name ?? "");
        RequestValidation.CheckLifetime(lifetime);
    }

    private protected override Task<CreatedToken> CreateAsync(JwtService service, string? name, long? lifetime, Guid key, CallContext call) =>
        service.CreateProjectJwtAsync(new CreateProjectToken(name!, lifetime), key, trustIdempotency: false, call);

    private protected override Task<DiscardedToken> DiscardAsync(JwtService service, string id, CallContext call) => service.DiscardProjectJwtAsync(id, call);

    private protected override void Prove(Session session, string? userId, string id, string value)
    {
        try
        {
            ReadWith(session, value);
        }
        catch (MagicBellException failure)
        {
            throw new MagicBellException(MagicBellError.RotationFailed, $"The new token {id} did not prove to work: {failure.Message}", failure);
        }
    }
}
