using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>Refuses arguments that PowerShell takes as if they had not been given: a misspelt variable or default must not widen what a command does.</summary>
internal static class ArgumentCheck
{
    // What is searched, or is a row, may hold tokens.
    private const string SearchedText = "InputObject";

    private const int ShortestToken = 16;

    /// <summary>The first argument that is null, blank, no pattern, a secret, or a default that did not bind.</summary>
    /// <param name="cmdlet">The cmdlet, at its beginning: what the pipeline gives it is not bound yet.</param>
    /// <returns>What is wrong, and the parameter; null where nothing is.</returns>
    internal static (string Words, string Parameter)? FaultOf(PSCmdlet cmdlet)
    {
        Dictionary<string, ParameterMetadata> parameters = ((CmdletInfo)cmdlet.MyInvocation.MyCommand).Parameters;
        Dictionary<string, object> bound = cmdlet.MyInvocation.BoundParameters;
        foreach (KeyValuePair<string, object> argument in bound)
        {
            if (parameters.TryGetValue(argument.Key, out ParameterMetadata? parameter) && FaultOf(argument.Value, parameter) is { } words)
            {
                return ($"-{parameter.Name} {words}", parameter.Name);
            }
        }

        return cmdlet.GetVariableValue("PSDefaultParameterValues") is IDictionary { Count: > 0 } defaults && !LanguagePrimitives.IsTrue(defaults["Disabled"])
            ? FaultOfDefaults(defaults, cmdlet, parameters, bound)
            : null;
    }

    private static string? FaultOf(object? value, ParameterMetadata parameter)
    {
        // Names, ids and addresses may be empty in a row of the pipeline, which is judged for itself; on the command line only where that means no value.
        bool mayBeEmpty = parameter.Attributes.OfType<PlainTextAttribute>().SingleOrDefault() is { } plain
            ? plain.MayBeEmpty
            : parameter.Attributes.Any(attribute => attribute is AllowNullAttribute);
        bool isPattern = parameter.Attributes.Any(attribute => attribute is SupportsWildcardsAttribute);
        object? inner = value is PSObject wrapped ? wrapped.BaseObject : value;
        foreach (object? item in inner is IList list ? list.Cast<object?>() : [inner])
        {
            switch (item is PSObject wrappedItem ? wrappedItem.BaseObject : item)
            {
                case null when !mayBeEmpty:
                    return "was given $null. A misspelt variable is $null; leave the parameter out where nothing is meant.";
                case string text when InputText.Trim(text).Length == 0 && !mayBeEmpty:
                    return "was given a blank text. Leave the parameter out where nothing is meant.";
                case string text when isPattern && !IsPattern(text):
                    return $"was given '{ScreenText.Of(text)}', which is no pattern: a bracket in it is not closed. Write a bracket that is meant as it is with a backtick before it, in single quotes: '`['.";
                case string text when parameter.Name != SearchedText && (ScreenText.HoldsToken(text) || IsOfSession(text)):
                case Uri address when address.OriginalString.IndexOf('@') < 0 && ScreenText.HoldsToken(address.OriginalString):
                    return "was given a token's value, a secret key or an address with credentials, or a text that holds one of them. It would be shown or kept wherever that is, so nothing was done.";
                case Guid id when id == Guid.Empty:
                    return "was given a UUID of zeros only. Give one of its own, such as (New-Guid).";
            }
        }

        return null;
    }

    // Of a token that is no JSON Web Token only the session knows what it looks like.
    private static bool IsOfSession(string text) => text.Length >= ShortestToken && SessionStore.Current.Sessions is { Count: > 0 } sessions && TokenFingerprint.Of(text) is var fingerprint && sessions.Any(session => session.Fingerprint == fingerprint);

    private static bool IsPattern(string text)
    {
        try
        {
            // Read when it is first used.
            WildcardPattern.Get(text, WildcardOptions.None).IsMatch("");
            return true;
        }
        catch (WildcardPatternException)
        {
            return false;
        }
    }

    // The engine leaves out a default that it cannot convert, or has two of, with a warning only, and runs the command without it.
    private static (string, string)? FaultOfDefaults(IDictionary defaults, PSCmdlet cmdlet, Dictionary<string, ParameterMetadata> parameters, Dictionary<string, object> bound)
    {
        string[] names = [cmdlet.MyInvocation.MyCommand.Name, .. cmdlet.GetType().GetCustomAttributes(typeof(AliasAttribute), inherit: false).Cast<AliasAttribute>().SelectMany(alias => alias.AliasNames)];
        foreach (object key in defaults.Keys)
        {
            if (key is not string text || text.IndexOf(':') is var colon && colon < 1)
            {
                continue;
            }

            string command = Unquoted(text.Substring(0, colon));
            string name = Unquoted(text.Substring(colon + 1));
            if (!names.Any(own => IsMatch(command, own)))
            {
                continue;
            }

            foreach (ParameterMetadata parameter in parameters.Values.Where(parameter => IsMatch(name, parameter.Name) || parameter.Aliases.Any(alias => IsMatch(name, alias))))
            {
                if (!bound.ContainsKey(parameter.Name) && CanJoin(parameter, parameters, bound))
                {
                    return (
                        $"$PSDefaultParameterValues[{CommandText.Quote(text)}] holds a value that -{parameter.Name} does not take, and the command would run without it. Correct it, or remove it: $PSDefaultParameterValues.Remove({CommandText.Quote(text)})",
                        parameter.Name);
                }
            }
        }

        return null;
    }

    private static string Unquoted(string text)
    {
        text = text.Trim();
        return text.Length > 1 && text[0] is '\'' or '"' && text[text.Length - 1] == text[0] ? text.Substring(1, text.Length - 2) : text;
    }

    private static bool IsMatch(string pattern, string name) => IsPattern(pattern)
        ? WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase | WildcardOptions.CultureInvariant).IsMatch(name)
        : string.Equals(pattern, name, StringComparison.OrdinalIgnoreCase);

    // Not in a parameter set that the arguments given exclude: such a default is left out with reason.
    private static bool CanJoin(ParameterMetadata parameter, Dictionary<string, ParameterMetadata> parameters, Dictionary<string, object> bound)
    {
        HashSet<string>? sets = SetsOf(parameter);
        foreach (string other in bound.Keys)
        {
            if (sets is not null && parameters.TryGetValue(other, out ParameterMetadata? metadata) && SetsOf(metadata) is { } theirs)
            {
                sets.IntersectWith(theirs);
            }
        }

        return sets is not { Count: 0 };
    }

    // Null for all of them.
    private static HashSet<string>? SetsOf(ParameterMetadata parameter) =>
        parameter.ParameterSets.ContainsKey(ParameterAttribute.AllParameterSets) ? null : new(parameter.ParameterSets.Keys, StringComparer.OrdinalIgnoreCase);
}
