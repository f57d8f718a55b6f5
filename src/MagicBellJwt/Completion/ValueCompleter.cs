using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Language;
using MagicBellJwt.Client;

namespace MagicBellJwt.Completion;

/// <summary>Completes an argument from known values. Completion is a courtesy: it may have nothing to offer, and never fails.</summary>
public abstract class ValueCompleter : IArgumentCompleter
{
    /// <summary>Offers the values that begin with what is typed.</summary>
    /// <param name="commandName">The cmdlet, or its alias.</param>
    /// <param name="parameterName">The parameter.</param>
    /// <param name="wordToComplete">What is typed so far, perhaps with its quote.</param>
    /// <param name="commandAst">The command.</param>
    /// <param name="fakeBoundParameters">The other arguments, as far as they are plain.</param>
    /// <returns>The completions, quoted where PowerShell needs it.</returns>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName,
        string parameterName,
        string wordToComplete,
        CommandAst commandAst,
        IDictionary fakeBoundParameters)
    {
        string typed = (wordToComplete ?? "").Trim('\'', '"');
        try
        {
            return Values(commandName, parameterName, fakeBoundParameters)
                .Where(value => value.Text.StartsWith(typed, StringComparison.OrdinalIgnoreCase))
                .Select(value => new CompletionResult(Quote(value.Text), value.Text, CompletionResultType.ParameterValue, value.ToolTip))
                .ToArray();
        }
        catch (Exception exception) when (exception is MagicBellException or OperationCanceledException or AggregateException or RuntimeException)
        {
            // Not connected, the API is slow today, or there are no vaults: a prompt is no place for an error.
            return [];
        }
    }

    private protected abstract IEnumerable<(string Text, string ToolTip)> Values(string commandName, string parameterName, IDictionary boundParameters);

    /// <summary>The session that the command being typed would use.</summary>
    private protected static Session SessionOf(IDictionary boundParameters) => boundParameters["Session"] switch
    {
        Session session => session,
        string name => SessionStore.Current.Find(name),
        _ => SessionStore.Current.Latest ?? throw new MagicBellException(MagicBellError.NotConnected, "There is no session."),
    };

    private static string Quote(string text) =>
        text.Length > 0 && text.All(character => char.IsLetterOrDigit(character) || character is '-' or '_' or '.' or ':')
            ? text
            : "'" + CodeGeneration.EscapeSingleQuotedStringContent(text) + "'";
}
