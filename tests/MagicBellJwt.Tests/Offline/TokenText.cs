using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Security.Cryptography;
using System.Text;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Offline;

/// <summary>Tokens made without the module, and the search for what of them came out of it.</summary>
internal static class TokenText
{
    public const string Key = "sk_canary_0123456789abcdef0123456789abcdef";

    /// <summary>A user token, good until the year 2100.</summary>
    public static readonly string User = Sign("""{"jti":"7c1f6fd0-9a0a-4a9e-9a57-0c7fd58bb0a1","kind":"user","user_id":"usr_1","user_email":"hana@example.com","project_id":"p1","iat":1750000000,"exp":4102444800}""");

    public static string Sign(string claims, string header = """{"alg":"HS256","typ":"JWT"}""", string key = Key)
    {
        string signed = Encode(Encoding.UTF8.GetBytes(header)) + "." + Encode(Encoding.UTF8.GetBytes(claims));
        return signed + "." + Encode(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), Encoding.ASCII.GetBytes(signed)));
    }

    /// <summary>What the module calls the token by.</summary>
    public static string Fingerprint(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)))[..12];

    /// <summary>Asserts that a run said nothing of these secrets: in no stream, no error to its depth, no text form, no screen line.</summary>
    public static void MustBeSecret(Run run, TestHost host, params string[] secrets)
    {
        var said = new List<string>();
        said.AddRange(run.Output.Select(item => item.ToString()));
        said.AddRange(run.Output.SelectMany(item => item.Properties).Select(property => Convert.ToString(property.Value, System.Globalization.CultureInfo.InvariantCulture) ?? ""));
        said.AddRange(run.Output.Select(item => PSSerializer.Serialize(item, 4)));
        said.AddRange(run.Warnings);
        said.AddRange(run.Verbose);
        said.AddRange(run.Debug);
        said.AddRange(run.Information.Select(record => record.ToString()));
        said.AddRange(run.Progress.Select(record => record.ToString() + record.CurrentOperation));
        said.AddRange(host.Lines);
        foreach (ErrorRecord error in run.End is null ? run.Errors : [.. run.Errors, run.End])
        {
            said.AddRange([error.ToString(), error.Exception.ToString(), error.FullyQualifiedErrorId, error.ErrorDetails?.ToString() ?? ""]);
            said.AddRange([error.ErrorDetails?.RecommendedAction ?? "", error.TargetObject is null ? "" : PSSerializer.Serialize(error.TargetObject, 4)]);
            said.Add(PSSerializer.Serialize(error.Exception, 4));
        }

        foreach (string secret in secrets)
        {
            Assert.All(said, text => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
        }
    }

    private static string Encode(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
