using System;
using System.IO;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Tasks;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>TLS: a handshake that fails is tried again, a certificate that is wrong never.</summary>
public class TlsTests
{
    private static readonly X509Certificate2 s_certificate = SelfSigned();

    [Theory]
    [InlineData("GET")]
    [InlineData("DELETE")]
    [InlineData("POST")]
    public async Task A_certificate_that_is_not_trusted_ends_it_at_once(string method)
    {
        await using var server = new RawServer(Answers.Right, s_certificate);
        using var client = new TestClient(server);

        MagicBellException failure = await Failing.WithAsync(MagicBellError.ConnectionFailed, () => client.SendAsync(method));

        Assert.Contains("certificate", failure.Message, StringComparison.Ordinal);
        Assert.Equal((1, false), (failure.Attempts, failure.OutcomeUnknown));
        Assert.Equal(1, server.Accepted);
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData("GET", "close")]
    [InlineData("DELETE", "close")]
    [InlineData("POST", "close")]
    [InlineData("POST", "reset")]
    [InlineData("POST", "plain text")]
    [InlineData("POST", "alert")]
    [InlineData("DELETE", "alert")]
    public async Task A_handshake_that_breaks_is_tried_again_and_leaves_nothing_in_doubt(string method, string fault)
    {
        await using var server = new BreakingServer(fault);
        using var client = new TestClient(server.BaseAddress, change: options => options.MaximumRetryCount = 2);

        MagicBellException failure = await Failing.WithAsync(MagicBellError.ConnectionFailed, () => client.SendAsync(method));

        Assert.DoesNotContain("certificate", failure.Message, StringComparison.Ordinal);
        Assert.Equal((3, false), (failure.Attempts, failure.OutcomeUnknown));
        Assert.Equal(3, server.Accepted);
    }

    [Theory]
    [InlineData(407)]
    [InlineData(403)]
    [InlineData(502)]
    [InlineData(503)]
    public async Task A_password_in_the_address_of_a_proxy_is_not_repeated(int status)
    {
        // As it comes from the environment variable HTTPS_PROXY: .NET's own message has the address whole.
        const string Password = "proxy-canary-0123456789";
        await using var proxy = RawServer.Scripted(_ => RawRequest.Head(status, 0, "Proxy-Authenticate: Basic"));
        using var client = new TestClient(new Uri("https://api.example.com/v2"), change: options =>
        {
            options.MaximumRetryCount = 0;
            options.Proxy = new WebProxy(new Uri($"http://hana:{Password}@127.0.0.1:{proxy.BaseAddress.Port}"));
        });

        MagicBellException failure = await Failing.WithAsync(MagicBellError.ConnectionFailed, () => client.SendAsync("POST"));

        Assert.DoesNotContain(Password, failure.ToString(), StringComparison.Ordinal);
        Assert.NotEmpty(proxy.Requests);
    }

    [Fact]
    public async Task A_refused_certificate_is_not_held_against_a_later_handshake()
    {
        await using var server = new BreakingServer("self-signed", "alert");
        using var client = new TestClient(server.BaseAddress, change: options => options.MaximumRetryCount = 1);

        Assert.Equal(1, (await Failing.WithAsync(MagicBellError.ConnectionFailed, () => client.ListAsync())).Attempts);
        MagicBellException broken = await Failing.WithAsync(MagicBellError.ConnectionFailed, () => client.ListAsync());

        Assert.Equal(2, broken.Attempts);
        Assert.DoesNotContain("certificate", broken.Message, StringComparison.Ordinal);
        Assert.Equal(3, server.Accepted);
    }

    [Theory]
    [InlineData("127.0.0.1", -1, 1, "comes from an authority that this machine does not trust, '127.0.0.1'", "another name")]
    [InlineData("wrong.example", -1, 1, "is for another name, 'wrong.example'", "ended at")]
    [InlineData("127.0.0.1", -3, -1, "ended at ", "another name")]
    [InlineData("127.0.0.1", 1, 3, "is not valid before ", "another name")]
    public async Task What_is_wrong_with_a_certificate_is_said(string name, int fromDays, int toDays, string said, string notSaid)
    {
        using X509Certificate2 certificate = SelfSigned(name, fromDays, toDays);
        await using var server = new RawServer(Answers.Right, certificate);
        using var client = new TestClient(server);

        MagicBellException failure = await Failing.WithAsync(MagicBellError.ConnectionFailed, () => client.ListAsync());

        Assert.Contains(said, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(notSaid, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_proxy_is_named_where_it_is_what_fails()
    {
        await using var asking = new RawServer(request => request.AnswerAsync(407, "no", "Proxy-Authenticate: Basic"));
        MagicBellException asks = await ThroughAsync(asking.BaseAddress.Authority);
        Assert.Contains($"the proxy {asking.BaseAddress.Authority} asks for credentials", asks.Message, StringComparison.Ordinal);
        Assert.Equal((1, false), (asks.Attempts, asks.OutcomeUnknown));

        await using var refusing = new RawServer(request => request.AnswerAsync(503, "no"));
        MagicBellException refuses = await ThroughAsync(refusing.BaseAddress.Authority);
        Assert.Contains($"the proxy {refusing.BaseAddress.Authority} did not connect to api.example.com", refuses.Message, StringComparison.Ordinal);

        Assert.Contains("no connection to the proxy 127.0.0.1:1, to reach api.example.com", (await ThroughAsync("127.0.0.1:1")).Message, StringComparison.Ordinal);

        static async Task<MagicBellException> ThroughAsync(string proxy)
        {
            using var client = new TestClient(new Uri("https://api.example.com/v2"), change: options =>
            {
                options.MaximumRetryCount = 1;
                options.Proxy = new WebProxy("http://" + proxy);
            });
            return await Failing.WithAsync(MagicBellError.ConnectionFailed, () => client.ListAsync());
        }
    }

    /// <summary>A server whose handshakes break: each in the way of its turn, and from then on in the last one.</summary>
    private sealed class BreakingServer : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly string[] _faults;
        private readonly Task _serving;

        public BreakingServer(params string[] faults)
        {
            _faults = faults;
            _listener.Start();
            _serving = ServeAsync();
        }

        public Uri BaseAddress => new($"https://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/v2");

        public int Accepted { get; private set; }

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _serving;
        }

        private async Task ServeAsync()
        {
            while (true)
            {
                Socket socket;
                try
                {
                    socket = await _listener.AcceptSocketAsync();
                }
                catch (Exception exception) when (exception is SocketException or ObjectDisposedException or InvalidOperationException)
                {
                    // The listener was stopped, during the wait or before it.
                    return;
                }

                using (socket)
                {
                    await BreakAsync(socket, _faults[Math.Min(Accepted++, _faults.Length - 1)]);
                }
            }
        }

        private static async Task BreakAsync(Socket socket, string fault)
        {
            byte[] bytes = new byte[4096];
            if (fault == "self-signed")
            {
                await using var tls = new SslStream(new NetworkStream(socket, ownsSocket: false));
                try
                {
                    await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = s_certificate });
                    await tls.CopyToAsync(Stream.Null);
                }
                catch (Exception exception) when (exception is IOException or AuthenticationException)
                {
                    // The client refused it, as it should.
                }

                return;
            }

            await socket.ReceiveAsync(bytes);
            switch (fault)
            {
                case "reset":
                    socket.Close(0);
                    break;
                case "plain text":
                    await socket.SendAsync("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
                    break;
                case "alert":
                    // A fatal handshake_failure (RFC 5246, 7.2), as a server sends where no version or cipher suits both.
                    await socket.SendAsync(new byte[] { 21, 3, 3, 0, 2, 2, 40 });
                    break;
            }
        }
    }

    private static X509Certificate2 SelfSigned(string name = "127.0.0.1", int fromDays = -1, int toDays = 1)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(name, out IPAddress? address))
        {
            names.AddIpAddress(address);
        }
        else
        {
            names.AddDnsName(name);
        }

        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(fromDays), DateTimeOffset.UtcNow.AddDays(toDays));
    }
}
