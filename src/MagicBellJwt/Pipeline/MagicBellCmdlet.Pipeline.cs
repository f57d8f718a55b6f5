using System;
using System.Runtime.ExceptionServices;
using System.Threading.Tasks;
using MagicBellJwt.Client;

namespace MagicBellJwt.Commands;

/// <content>What background work that knows no cmdlet asks of the pipeline.</content>
public abstract partial class MagicBellCmdlet : IPipeline
{
    CallContext IPipeline.ReadCall => ReadCall;

    CallContext IPipeline.WriteCall => WriteCall;

    CallContext IPipeline.UndoCall => UndoCall;

    async Task<T> IPipeline.RunAsync<T>(Func<T> work)
    {
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        bool ran = await OfferAsync(() =>
        {
            try
            {
                result = work();
            }
            catch (MagicBellException exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
        }).ConfigureAwait(false);
        failure?.Throw();
        return ran ? result : throw new OperationCanceledException(StopToken);
    }

    Task<bool> IPipeline.ConfirmAsync(string target, string action) => ((IPipeline)this).RunAsync(() => ShouldProcess(target, action));

    async Task<bool> IPipeline.EmitAsync(object output) =>
        await (output is IssuedToken token ? DeliverAsync(token) : OfferAsync(output)).ConfigureAwait(false) != Delivery.Refused;

    async Task IPipeline.WarnAsync(string text)
    {
        if (!await OfferAsync(() => WriteWarning(text)).ConfigureAwait(false))
        {
            WarnAfterEnd(text);
        }
    }

    void IPipeline.Inform(string text) => OfferAsync(() => Inform(text));

    void IPipeline.Verbose(string text) => OfferAsync(() => WriteVerbose(text));

    Task IPipeline.WaitAsync(TimeSpan time, CallContext call) => Task.Delay(time, call.Stop);
}
