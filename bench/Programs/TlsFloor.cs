using System.Globalization;

namespace Runner.Bench.Programs;

/// <summary>floor/tls.c as a server on loopback, with a server's certificates.</summary>
sealed class TlsFloor : IDisposable
{
    private readonly string _program;
    private readonly BenchFolder _folder;
    private readonly Child _server;
    private readonly string _port;

    /// <param name="program">floor/tls.c.</param>
    /// <param name="folder">Where the certificates are.</param>
    /// <param name="source">The file that a copy is of.</param>
    public TlsFloor(string program, BenchFolder folder, string source)
    {
        (_program, _folder) = (program, folder);
        var begin = Measuring.Clock.Now;
        _server = Child.Talk(program, "serve", folder.Certificate("server"), folder.Certificate("server"), folder.Certificate("client-ca"), source);
        _port = _server.ReadLine();
        MillisecondsToReady = Measuring.Clock.MillisecondsSince(begin);
    }

    /// <summary>From its exec until it said where it listens.</summary>
    public double MillisecondsToReady { get; }

    public double Cpu => Proc.Cpu(_server.Id);

    /// <summary>Handshake and one round trip, as a whole process.</summary>
    public Ran Hello() => Child.Run(_program, Words("hello"), []);

    /// <summary>A copy of the source, as a whole process that throws it away.</summary>
    public Ran Pull() => Child.Run(_program, Words("pull"), []);

    /// <summary>A copy of the source, to be read here.</summary>
    public Child Follow() => Child.Start(_program, Words("pull"), [], wantsOutput: true, hasInput: false);

    /// <summary>A connection that is used again and again.</summary>
    public Child Connect(int size) => Child.Talk(_program, [.. Words("ping"), size.ToString(CultureInfo.InvariantCulture)]);

    /// <summary>Round trips over such a connection, in microseconds.</summary>
    public static IEnumerable<double> Ping(Child connection, int count)
    {
        connection.WriteLine(count.ToString(CultureInfo.InvariantCulture));
        return [.. Enumerable.Range(0, count).Select(_ => long.Parse(connection.ReadLine(), CultureInfo.InvariantCulture) / 1000.0)];
    }

    public void Dispose() => _server.Dispose();

    private string[] Words(string wish) =>
        [wish, _port, _folder.Certificate("admin"), _folder.Certificate("admin"), _folder.Certificate("server-ca")];
}
