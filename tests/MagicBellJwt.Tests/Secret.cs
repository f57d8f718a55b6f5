using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Net;
using System.Security;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests;

/// <summary>Text into and out of a SecureString, and the search for it in what a run said.</summary>
internal static class Secret
{
    public static SecureString Of(string text) => new NetworkCredential("", text).SecurePassword;

    /// <summary>The administrator's token as -ProjectToken takes it.</summary>
    public static SecureString SecureToken(this SandboxProcess server) => Of(server.Token);

    public static string Reveal(object secret) => new NetworkCredential("", (SecureString)PSObject.AsPSObject(secret).BaseObject).Password;

    /// <summary>Asserts that a run said nothing of these secrets: in no stream, no error to its depth, no text form, no screen line.</summary>
    public static void MustNotBeIn(Run run, TestHost host, params string[] secrets)
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

            // Deeper is reflection's graph of the method that threw. What is within is in the text above.
            said.Add(PSSerializer.Serialize(error.Exception, 2));
        }

        foreach (string secret in secrets)
        {
            Assert.All(said, text => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
        }
    }
}
