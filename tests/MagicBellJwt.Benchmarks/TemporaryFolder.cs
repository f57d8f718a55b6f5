using System;
using System.Globalization;
using System.IO;
using System.Security.Cryptography;
using System.Text;

namespace MagicBellJwt.Benchmarks;

/// <summary>A folder for histories, gone afterwards.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");

    /// <summary>A history in it.</summary>
    public string History => Path.Combine(_folder.FullName, "history.jsonl");

    /// <summary>An engine whose session records what it does, on the disk.</summary>
    public Engine Recording(Server server)
    {
        Engine engine = Engine.WithModule(server);
        engine.Connect(server.Address, server.Token, $"-History '{History}'");
        return engine;
    }

    /// <summary>An engine whose session records nothing: the platform's own place is none that can be written.</summary>
    public Engine NotRecording(Server server)
    {
        string? before = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        string file = Path.Combine(_folder.FullName, "no-folder");
        File.WriteAllText(file, "");
        Environment.SetEnvironmentVariable("XDG_STATE_HOME", file);
        try
        {
            return Engine.WithModule(server);
        }
        finally
        {
            Environment.SetEnvironmentVariable("XDG_STATE_HOME", before);
        }
    }

    /// <summary>Writes a history of revocations, two lines each, in files as the module makes them.</summary>
    /// <param name="lines">How many lines, an even number.</param>
    public void WriteHistory(int lines)
    {
        const long LongestFile = 64L << 20;
        string previous = new('0', 64);
        int number = 1;
        FileStream file = File.Create(History);
        for (int line = 1; line <= lines; line++)
        {
            string id = new Guid(line / 2 + line % 2, 0, 0, new byte[8]).ToString();
            string facts = line % 2 == 1
                ? $"\"op\":\"DiscardProjectJwt\",\"phase\":\"intent\",\"id\":\"{id}\",\"name\":\"ci\",\"reason\":\"CHG-4711\",\"project\":\"prod\",\"address\":\"https://api.magicbell.com/v2\",\"account\":\"ada\",\"host\":\"wall\",\"process\":4711,\"module\":\"0.1.0\""
                : string.Create(CultureInfo.InvariantCulture, $"\"op\":\"DiscardProjectJwt\",\"phase\":\"outcome\",\"intent\":{line - 1},\"outcome\":\"Revoked\",\"attempts\":1,\"request\":\"{id}\"");
            byte[] text = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"v\":1,\"seq\":{line},\"prev\":\"{previous}\",\"time\":\"2026-11-28T12:00:00.000Z\",\"offset\":0.5,{facts}}}"));
            previous = Convert.ToHexStringLower(SHA256.HashData(text));
            if (file.Length >= LongestFile)
            {
                file.Dispose();
                file = File.Create(Path.ChangeExtension(History, string.Create(CultureInfo.InvariantCulture, $"{++number}.jsonl")));
            }

            file.Write(text);
            file.WriteByte((byte)'\n');
        }

        file.Dispose();
    }

    /// <summary>Writes a log as web servers write them, with one token in its last line.</summary>
    /// <param name="bytes">How long it is, about.</param>
    /// <returns>Its path.</returns>
    public string WriteLog(int bytes)
    {
        string path = Path.Combine(_folder.FullName, "server.log");
        using var file = new StreamWriter(path);
        for (int line = 0; file.BaseStream.Length < bytes; line++)
        {
            file.WriteLine(string.Create(CultureInfo.InvariantCulture, $"10.0.{line % 256}.7 - user{line} [28/Nov/2026:12:00:00 +0000] \"GET /api/v2/keys/{line}/year HTTP/1.1\" 200 {line % 977} \"https://example.com/they\" \"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/145.0\""));
        }

        // {"alg":"HS256"} and {}, signed with nothing.
        file.WriteLine("Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30." + new string('A', 43));
        return path;
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
