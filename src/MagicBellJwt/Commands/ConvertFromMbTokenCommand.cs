using System.Management.Automation;
using System.Security;
using MagicBellJwt.Client;

namespace MagicBellJwt.Commands;

/// <summary>Says what a token says about itself, without a call and without trust.</summary>
[Cmdlet(VerbsData.ConvertFrom, "MbToken", HelpUri = HelpPages.Folder + "ConvertFrom-MbToken.md")]
[Alias("ConvertFrom-MbJwt")]
[OutputType(typeof(DecodedToken))]
public sealed class ConvertFromMbTokenCommand : CheckedCmdlet
{
    private int _count;

    /// <summary>The token: a SecureString, text, or an object with a Token, such as New-MbUserToken gives. White space around it is no part of it.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [TokenText]
    public SecureString? Token { get; set; }

    /// <inheritdoc/>
    private protected override void Process()
    {
        _count++;
        string text = SecureText.RevealToken(Token!);
        if (JsonWebToken.TryDecode(text, out JsonWebToken? token))
        {
            WriteObject(new DecodedToken(token!, TokenFingerprint.Of(text)));
            return;
        }

        // The target is the input's number: the input itself may be a secret of another kind.
        WriteError(ErrorRecords.Create(
            MagicBellException.Invalid($"Input {_count} is no JSON Web Token: that is three parts of base64url with dots between, the first two JSON objects."),
            _count,
            "Give the whole token and nothing else: as a SecureString, as text, or as an object with a Token."));
    }
}
