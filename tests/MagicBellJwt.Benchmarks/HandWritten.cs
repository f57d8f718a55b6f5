using System;
using System.Collections.Generic;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Threading.Tasks;

namespace MagicBellJwt.Benchmarks;

/// <summary>The same work as a programmer would write it who needs no retries, no pacing and no PowerShell.</summary>
internal sealed class HandWritten : IDisposable
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private readonly HttpClient _client = new(new SocketsHttpHandler { AllowAutoRedirect = false });
    private readonly HttpClient _createClient = new(new SocketsHttpHandler { AllowAutoRedirect = false });

    public HandWritten(Server server)
    {
        foreach (HttpClient client in new[] { _client, _createClient })
        {
            client.BaseAddress = server.Address;
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", server.Token);
        }
    }

    /// <summary>The whole list.</summary>
    public async Task<List<Token>> ListAsync(string path)
    {
        List<Token> tokens = [];
        await foreach (Token token in StreamAsync(path))
        {
            tokens.Add(token);
        }

        return tokens;
    }

    /// <summary>The list, page by page.</summary>
    public async IAsyncEnumerable<Token> StreamAsync(string path)
    {
        string? next = path + "?limit=100";
        while (next is not null)
        {
            Page page = await GetAsync(next);
            foreach (Token token in page.Data)
            {
                yield return token;
            }

            next = page.Links.Next;
        }
    }

    /// <summary>The list's first page.</summary>
    public Task<Page> FirstPageAsync(string path) => GetAsync(path + "?limit=100");

    /// <summary>The users of these addresses, by the whole list.</summary>
    public async Task<List<User>> FindUsersAsync(IEnumerable<string> emails)
    {
        var wanted = new HashSet<string>(emails, StringComparer.OrdinalIgnoreCase);
        List<User> found = [];
        await foreach (User user in StreamUsersAsync())
        {
            if (user.Email is not null && wanted.Contains(user.Email))
            {
                found.Add(user);
            }
        }

        return found;
    }

    /// <summary>The tokens of every user.</summary>
    public async Task<List<Token>> ListOfAllUsersAsync(int concurrency)
    {
        List<Token> tokens = [];
        await Parallel.ForEachAsync(StreamUsersAsync(), new ParallelOptions { MaxDegreeOfParallelism = concurrency }, async (user, _) =>
        {
            List<Token> list = await ListAsync("jwt/user/" + user.Id);
            lock (tokens)
            {
                tokens.AddRange(list);
            }
        });
        return tokens;
    }

    public Task RevokeAsync(IEnumerable<string> ids, int concurrency) =>
        Parallel.ForEachAsync(ids, new ParallelOptions { MaxDegreeOfParallelism = concurrency }, async (id, cancellation) =>
        {
            using HttpResponseMessage response = await _client.DeleteAsync("jwt/user/" + id, cancellation);
            response.EnsureSuccessStatusCode();
            _ = await response.Content.ReadFromJsonAsync<Discarded>(s_json, cancellation);
        });

    public async Task<List<Created>> CreateAsync(IEnumerable<string> names)
    {
        List<Created> created = [];
        foreach (string name in names)
        {
            // On a connection of its own, as the module does it: on a kept one a create may be lost without anybody knowing.
            using var request = new HttpRequestMessage(HttpMethod.Post, "jwt/project") { Content = JsonContent.Create(new Create(name, null), options: s_json) };
            request.Headers.ConnectionClose = true;
            using HttpResponseMessage response = await _createClient.SendAsync(request);
            response.EnsureSuccessStatusCode();
            created.Add((await response.Content.ReadFromJsonAsync<Created>(s_json))!);
        }

        return created;
    }

    public void Dispose()
    {
        _client.Dispose();
        _createClient.Dispose();
    }

    private async IAsyncEnumerable<User> StreamUsersAsync()
    {
        string? next = "users?limit=100";
        while (next is not null)
        {
            UserPage page = (await _client.GetFromJsonAsync<UserPage>(next, s_json))!;
            foreach (User user in page.Data)
            {
                yield return user;
            }

            next = page.Links.Next;
        }
    }

    private async Task<Page> GetAsync(string address) => (await _client.GetFromJsonAsync<Page>(address, s_json))!;

    public sealed record Token(string Id, string? Name, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? DiscardedAt);

    public sealed record Page(List<Token> Data, Links Links);

    public sealed record User(string Id, string? Email, string? ExternalId, string? FirstName, string? LastName, DateTimeOffset? CreatedAt);

    private sealed record UserPage(List<User> Data, Links Links);

    public sealed record Links(string? First, string? Next, string? Prev);

    private sealed record Create(string Name, long? Expiry);

    public sealed record Created(string Token, string TokenId, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt);

    private sealed record Discarded(string TokenId, DateTimeOffset DiscardedAt);
}
