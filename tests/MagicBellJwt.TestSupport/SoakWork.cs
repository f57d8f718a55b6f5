namespace MagicBellJwt.TestSupport;

/// <summary>A mix of everything that calls the API, to be repeated many times beside a server on which much goes wrong.</summary>
public static class SoakWork
{
    /// <summary>Requests of one round, about: repetitions after a fault come on top.</summary>
    public const int Operations = 200;

    /// <summary>What goes wrong. Seldom where it is waited for before the next attempt, so that the time goes into requests.</summary>
    public static readonly string[] Faults =
    [
        "POST * reset-after-work every=31",
        "POST * cut every=43",
        "POST * 502-after-work every=47 body=html",
        "POST * answer every=53 encoding=not-gzip",
        "POST * 422 every=59",
        "POST * answer every=61 extra-length=10",
        "DELETE * 403 every=67",
        "GET * answer every=79 next=elsewhere",
        "POST * 307 every=83 location=https://elsewhere.invalid/",
        "GET * answer every=211 body=html",
        "DELETE * answer every=1009 body=truncated",
        "GET,DELETE * 307 every=1013 location=https://elsewhere.invalid/",
        "* * delay every=89 ms=5",
        "GET,DELETE * reset every=1999",
        "GET,DELETE * cut every=2003",
        "DELETE * reset-after-work every=2011",
        "GET,DELETE * 503 every=2017",
        "* * 429 every=4999 retry-after=1",

        // Once, early: it drops every connection, those too that somebody forgot to close.
        "* * refuse skip=3000 times=1 ms=20",
    ];

    /// <summary>One round: issue, list and revoke, one by one and in bulk; pipelines that end early; a session that comes and goes.</summary>
    public const string Script = """
        $ErrorActionPreference = 'SilentlyContinue'
        $t = 1..52 | New-MbProjectToken -ThrottleLimit 8
        $t | Remove-MbProjectToken -Force
        1..20 | New-MbProjectToken | ForEach-Object { $_ } | Remove-MbProjectToken -Force -ThrottleLimit 1
        'a@example.com', 'b@example.com', 'c@example.com' | New-MbUserToken -ThrottleLimit 3 | Remove-MbUserToken -Force
        Get-MbUserToken usr_1, usr_2, usr_3, usr_4 -PageSize 5 | ForEach-Object { }
        Get-MbTokenReport usr_1, usr_2 | ForEach-Object { }
        foreach ($n in 1..5) { try { 1..5 | New-MbProjectToken -ThrottleLimit 4 | ForEach-Object { throw 'downstream' } } catch { } }
        $null = Connect-MbProject $token -BaseUri $address -Name short
        foreach ($n in 1..10) { Get-MbProjectToken -First 3 -Session short | ForEach-Object { } }
        Disconnect-MbProject short
        Get-MbProjectToken | Remove-MbProjectToken -Force
        """;
}
