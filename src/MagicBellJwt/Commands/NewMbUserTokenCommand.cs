using System;
using System.Collections.Generic;
using System.Management.Automation;
using System.Security;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Client.History;
using MagicBellJwt.Completion;

namespace MagicBellJwt.Commands;

/// <summary>Issues a token for one user.</summary>
[Cmdlet(VerbsCommon.New, "MbUserToken", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium, DefaultParameterSetName = "ExpiresIn", HelpUri = HelpPages.Folder + "New-MbUserToken.md")]
[Alias("New-MbUserJwt")]
[OutputType(typeof(IssuedToken), typeof(StoredToken))]
public sealed class NewMbUserTokenCommand : NewTokenCmdlet
{
    private const string Signed = "Signed";

    private const string SignOperation = "SignUserJwt";

    private UserTokenSigner? _signer;
    private TokenHistory? _history;

    /// <summary>The user's e-mail address. It or -ExternalId, or both, say whose token it is. An empty column of a row is no value.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [PlainText(nameof(Email), nameof(ExternalId), MayBeEmpty = true)]
    [AllowEmptyString]
    [AllowNull]
    public string? Email { get; set; }

    /// <summary>The user's id in your own system. An empty column of a row is no value.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [PlainText(KeepsBlanks = true, MayBeEmpty = true)]
    [AllowEmptyString]
    [AllowNull]
    public string? ExternalId { get; set; }

    /// <summary>The token's name, at most 255 characters: say where it is used. An empty column of a row is no value.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [PlainText(KeepsBlanks = true, MayBeEmpty = true)]
    [AllowEmptyString]
    [AllowNull]
    public string? Name { get; set; }

    /// <inheritdoc/>
    [Parameter(ParameterSetName = "ExpiresIn")]
    [Parameter(ParameterSetName = Signed)]
    [Lifetime]
    [ArgumentCompleter(typeof(LifetimeCompleter))]
    public override TimeSpan? ExpiresIn { get; set; }

    /// <summary>The project's public key, pk_…: with -SecretKey the token is signed on this machine, without a session. The API never lists it and cannot revoke it.</summary>
    [Parameter(Mandatory = true, ParameterSetName = Signed)]
    [ValidateNotNullOrEmpty]
    public string? ApiKey { get; set; }

    /// <summary>The project's secret key, as a SecureString.</summary>
    [Parameter(Mandatory = true, ParameterSetName = Signed)]
    [Secret]
    [ValidateNotNull]
    public SecureString? SecretKey { get; set; }

    /// <inheritdoc/>
    private protected override void Begin()
    {
        base.Begin();
        if (ParameterSetName == Signed)
        {
            Try(null, UseKeys);
        }
    }

    /// <inheritdoc/>
    private protected override void Issue(InputRow? row)
    {
        string? email = TextOf(Columns.Email, Email, row);
        string? externalId = TextOf(Columns.ExternalId, ExternalId, row);
        string? name = IsGiven(Columns.Name) ? Name : TextOf(Columns.Name, Name, row);
        string user = email ?? externalId ?? "";
        TryRow(user, row, new Dictionary<string, string?> { [Columns.Email] = email, [Columns.ExternalId] = externalId, [Columns.Name] = name }, () =>
        {
            var request = new TokenRequest(name, email, externalId, LifetimeOf(row, ParameterSetName == Signed ? DateTimeOffset.UtcNow : CurrentSession.Service.ServerNow));
            string description = name is null ? $"token of user {user}" : $"token '{name}' of user {user}";
            if (ParameterSetName == Signed)
            {
                TokenScope.Check(TokenKind.User, request);
                Sign(ByPolicy(request, (Session ?? SessionStore.Current.Latest)?.IssuePolicy?.Of(TokenKind.User)), description);
                return;
            }

            CurrentSession.Users.Forget(email, externalId);
            Issue(new TokenScope(CurrentSession, TokenKind.User), request, user, description);
        });
    }

    /// <inheritdoc/>
    private protected override string AdviceForOrphan(string target, string filter, string where) =>
        $"Look for it: Get-MbUserToken {(target.IndexOf('@') > 0 ? "-Email" : "-ExternalId")} {CommandText.Quote(target)}{where} | {filter} # the one that you do not hold: Remove-MbUserToken TOKENID{where}";

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _signer?.Dispose();
    }

    private void UseKeys()
    {
        byte[] key = SecureText.RevealKey(SecretKey!);
        try
        {
            _signer = new UserTokenSigner(ApiKey!, key);
        }
        finally
        {
            Array.Clear(key, 0, key.Length);
        }
    }

    private void Sign(TokenRequest request, string description)
    {
        if (_signer is null || !ShouldProcess(description, "Sign user token"))
        {
            return;
        }

        WarnOfLifetime(request, store: null);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        if (request.Lifetime > (DateTimeOffset.MaxValue - now).TotalSeconds)
        {
            throw MagicBellException.Invalid("The token would end after the year 9999.");
        }

        DateTimeOffset? end = request.Lifetime is { } seconds ? now.AddSeconds(seconds) : null;
        TokenHistory? history = HistoryOfSigning();
        var subject = new HistorySubject { Name = request.Name, Email = request.Email, ExternalId = request.ExternalId };
        long intent = history is null ? 0 : Await(() => history.BeginAsync(SignOperation, subject, null, WriteCall));
        var issued = new IssuedToken(_signer.Sign(request.Email, request.ExternalId, end), now, end, request, AsPlainText);
        Record(() => history?.EndAsync(intent, SignOperation, TokenHistory.Issued, new HistorySubject { Fingerprint = issued.Fingerprint, CreatedAt = now, ExpiresAt = end }, null, null, WriteCall));
        WriteObject(issued);
        Record(() => history?.ClaimAsync(null, issued.Fingerprint, "the pipeline", WriteCall));

        void Record(Func<Task?> record) => Await(async () =>
        {
            await (record() ?? Task.CompletedTask).ConfigureAwait(false);
            return true;
        });
    }

    // It needs no session, and is done in the project of a secret key all the same.
    private TokenHistory? HistoryOfSigning()
    {
        Session? session = Session ?? SessionStore.Current.Latest;
        if (session is { RequiresReason: true } && string.IsNullOrWhiteSpace(Reason))
        {
            throw TokenScope.NoReason(session);
        }

        string? asked = Environment.GetEnvironmentVariable(ConnectMbProjectCommand.HistoryVariable);
        return session?.History
            ?? (string.IsNullOrWhiteSpace(asked) ? null : _history ??= HistoryRecorder.Open(GetUnresolvedProviderPathFromPSPath(asked), isRequired: true, "", JwtServiceOptions.VendorAddress, HistoryDetail.Standard));
    }
}
