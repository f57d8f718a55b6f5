using System;
using System.Threading.Tasks;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>What background work may ask of the pipeline that it belongs to. A cmdlet implements it; tests do so without an engine.</summary>
/// <remarks>Where the pipeline has ended, what waits for its thread ends with an <see cref="OperationCanceledException"/>.</remarks>
internal interface IPipeline
{
    /// <summary>A call that only reads: a stop ends it in flight.</summary>
    CallContext ReadCall { get; }

    /// <summary>A call that changes something: a stop lets its answer arrive.</summary>
    CallContext WriteCall { get; }

    /// <summary>A call that undoes something after the pipeline has ended.</summary>
    CallContext UndoCall { get; }

    /// <summary>Runs work on the pipeline thread, where commands of the caller have to run.</summary>
    /// <param name="work">The work. Its <see cref="MagicBellException"/> reaches the caller; anything else ends the pipeline.</param>
    /// <returns>Its result.</returns>
    Task<T> RunAsync<T>(Func<T> work);

    /// <summary>Asks as ShouldProcess does.</summary>
    /// <param name="target">What is to be changed.</param>
    /// <param name="action">What is to be done to it.</param>
    /// <returns>Whether to go on.</returns>
    Task<bool> ConfirmAsync(string target, string action);

    /// <summary>Writes an object to the pipeline.</summary>
    /// <param name="output">The object.</param>
    /// <returns>False where surely nobody was given it.</returns>
    Task<bool> EmitAsync(object output);

    /// <summary>Warns, on the host's screen where the pipeline has ended.</summary>
    /// <param name="text">What to say, without a secret.</param>
    Task WarnAsync(string text);

    /// <summary>Says something that is neither a result nor a warning, on the information stream and the screen.</summary>
    /// <param name="text">What to say, without a secret.</param>
    void Inform(string text);

    /// <summary>Says something to who asked for -Verbose.</summary>
    /// <param name="text">What to say, without a secret.</param>
    void Verbose(string text);

    /// <summary>Waits.</summary>
    /// <param name="time">How long.</param>
    /// <param name="call">What ends the wait.</param>
    Task WaitAsync(TimeSpan time, CallContext call);
}
