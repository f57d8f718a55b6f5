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
        string typed = Unquote(wordToComplete ?? "");
        try
        {
            return Values(commandName, parameterName, fakeBoundParameters, typed)
                .Where(value => Begins(value.Text, typed) || Begins(WildcardPattern.Unescape(value.Text), typed))
                .Select(value => new CompletionResult(Quote(value.Text), ScreenText.Of(value.Text), CompletionResultType.ParameterValue, ScreenText.Of(value.ToolTip)))
                .ToArray();
        }
        catch (Exception exception) when (exception is MagicBellException or RuntimeException)
        {
            // No session or no vault, for example. Completion shows no errors.
            return [];
        }
    }

    private protected abstract IEnumerable<(string Text, string ToolTip)> Values(string commandName, string parameterName, IDictionary boundParameters, string typed);

    /// <summary>The session that the command being typed would use; of several the first.</summary>
    private protected static Session SessionOf(IDictionary boundParameters) => First(BaseOf(boundParameters["Session"])) switch
    {
        Session session => session,
        string name => SessionStore.Current.FindAll(name)[0],
        _ => SessionStore.Current.Latest ?? throw new MagicBellException(MagicBellError.NotConnected, "There is no session."),
    };

    private static object? First(object? argument) => argument is IList list ? list.Cast<object?>().Select(BaseOf).FirstOrDefault() : argument;

    /// <summary>An argument without the wrapping that it may have as a variable's value.</summary>
    private protected static object? BaseOf(object? argument) => argument is PSObject wrapped ? wrapped.BaseObject : argument;

    private static bool Begins(string text, string typed) => text.StartsWith(typed, StringComparison.OrdinalIgnoreCase);

    // A word that begins with a dash would be a parameter's name.
    private static string Quote(string text) =>
        char.IsLetterOrDigit(text[0]) && text.All(character => char.IsLetterOrDigit(character) || character is '-' or '_' or '.' or ':')
            ? text
            : CommandText.Quote(text);

    // The typed text may not have its closing quote yet.
    private static string Unquote(string word) => word.Length == 0 ? word : word[0] switch
    {
        '\'' => word.Trim('\'').Replace("''", "'"),
        '"' => word.Trim('"').Replace("`", ""),
        _ => word.Replace("`", ""),
    };
}
