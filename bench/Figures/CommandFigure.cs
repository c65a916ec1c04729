using Runner.Bench.Measuring;
using Runner.Bench.Programs;

namespace Runner.Bench.Figures;

/// <summary>A job by the command line as whole processes, beside what else makes one call over an encrypted connection.</summary>
sealed class CommandFigure : IFigure
{
    public string Name => "commands";

    public async Task MeasureAsync(Session session)
    {
        using var server = new ServedRunner(session.Binary);
        using var alone = new ServedRunner(session.Binary, hasKeeper: false);
        using var bare = new TlsFloor(session.FloorProgram("tls"), server.Folder, "/dev/null");
        using var ssh = SshFloor.TryStart(server.Folder, out var noSsh);
        var (start, run, runAlone, status, openssl, hello, sshRun) = (new Samples(), new Samples(), new Samples(), new Samples(), new Samples(), new Samples(), new Samples());

        var job = "";
        using (var client = server.Connect()) job = (await ServedRunner.RunJobAsync(client, "true")).ToString();
        string[] handshake = ["s_client", "-connect", server.Address, "-cert", server.Folder.Certificate("admin"), "-key", server.Folder.Certificate("admin"),
            "-CAfile", server.Folder.Certificate("server-ca"), "-verify_return_error", "-tls1_3", "-alpn", "h2"];
        Action[] turns =
        [
            () => openssl.Add(Child.Run("openssl", handshake, []).Milliseconds),
            () => run.Add(server.Run("run", "--", "true").Milliseconds),
            () => runAlone.Add(alone.Run("run", "--", "true").Milliseconds),
            () => hello.Add(bare.Hello().Milliseconds),
            () => start.Add(server.Run("start", "--", "true").Milliseconds),
            () => status.Add(server.Run("status", job).Milliseconds),
            () => { if (ssh is not null) sshRun.Add(ssh.Run("true").Milliseconds); },
        ];
        await session.InTurnsAsync(session.Times(80, 8), turns);

        var client1 = new Floor("openssl s_client: one handshake", openssl);
        session.Add(new(Name, "`runner run -- true`", "ms", run) { Floor = client1, Target = Target.OfRatio(1) });
        session.Add(new(Name, "`runner run -- true`", "ms", run) { Floor = new("the same without a keeper (`--no-keeper`)", runAlone) });
        session.Add(new(Name, "`runner start -- true`", "ms", start) { Floor = client1, Target = Target.OfRatio(1) });
        session.Add(new(Name, "`runner status`", "ms", status) { Floor = client1 });
        session.Add(new(Name, "`runner status`", "ms", status) { Floor = new("C: one handshake, one round trip", hello) });
        session.Add(ssh is null
            ? Row.Unmeasured(Name, "`runner run -- true` against ssh", noSsh)
            : new(Name, "`runner run -- true`", "ms", run) { Floor = new("ssh over a standing connection (ControlMaster)", sshRun), Note = "ssh makes no connection here, runner makes one each time" });
    }
}
