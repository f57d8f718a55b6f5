using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>A list of tokens that is read page by page. For one reader at a time.</summary>
internal sealed class TokenReader(TokenPages pages, Func<ListedTokenRecord, ListedToken> wrap)
{
    /// <summary>Reads the next page.</summary>
    /// <param name="call">How it is stopped.</param>
    /// <returns>Its tokens; null after the last page.</returns>
    /// <exception cref="MagicBellException">It could not be read.</exception>
    internal async Task<IReadOnlyList<ListedToken>?> ReadAsync(CallContext call)
    {
        Task<IReadOnlyList<ListedTokenRecord>?> reading = pages.ReadAsync(call);
        await ((Task)reading).ConfigureAwait(false);
        if (reading.Result is not { } records)
        {
            return null;
        }

        var tokens = new ListedToken[records.Count];
        for (int i = 0; i < tokens.Length; i++)
        {
            tokens[i] = wrap(records[i]);
        }

        return tokens;
    }
}
