using System;
using System.Management.Automation;
using System.Security;
using MagicBellJwt.Client;

namespace MagicBellJwt.Commands;

/// <summary>Says whether a token was signed with a secret key and is in time, without a call.</summary>
[Cmdlet(VerbsDiagnostic.Test, "MbToken", HelpUri = HelpPages.Folder + "Test-MbToken.md")]
[Alias("Test-MbJwt")]
[OutputType(typeof(bool))]
public sealed class TestMbTokenCommand : CheckedCmdlet, IDisposable
{
    private byte[] _key = [];

    /// <summary>The token: a SecureString, text, or an object with a Token, such as New-MbUserToken gives.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [TokenText]
    public SecureString? Token { get; set; }

    /// <summary>The project's secret key, as a SecureString.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [Secret]
    [ValidateNotNull]
    public SecureString? SecretKey { get; set; }

    /// <summary>How far this clock and that of the signer may differ, such as 30s or 5m; not at all unless given.</summary>
    [Parameter]
    [Lifetime]
    public TimeSpan ClockSkew { get; set; }

    /// <inheritdoc/>
    private protected override void Begin()
    {
        _key = SecureText.RevealKey(SecretKey!);
        try
        {
            ProjectKeys.CheckSecretKey(_key);
        }
        catch (MagicBellException failure)
        {
            ThrowTerminatingError(ErrorRecords.Create(failure, null));
        }

        if (ClockSkew < TimeSpan.Zero)
        {
            ThrowTerminatingError(ErrorRecords.Create(MagicBellException.Invalid("A clock skew is zero or more."), ClockSkew));
        }
    }

    /// <inheritdoc/>
    private protected override void Process()
    {
        bool isGood = TokenSignature.Verify(SecureText.RevealToken(Token!), _key, DateTimeOffset.UtcNow, ClockSkew, out string? reason);
        if (reason is not null)
        {
            WriteVerbose(reason);
        }

        WriteObject(isGood);
    }

    /// <summary>Wipes the key.</summary>
    public void Dispose() => Array.Clear(_key, 0, _key.Length);
}
