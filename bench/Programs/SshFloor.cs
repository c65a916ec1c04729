using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Runner.Bench.Programs;

/// <summary>A private sshd on loopback and a standing connection to it: its own keys and configuration, nobody's home folder.</summary>
sealed class SshFloor : IDisposable
{
    // What sshd -D wants to find (sshd(8)), and a fresh Debian makes only when its service starts.
    private const string PrivilegeSeparation = "/run/sshd";

    private readonly string _config;
    private readonly bool _madeFolder;
    private readonly Child _server;
    private Child? _master;

    private SshFloor(BenchFolder folder)
    {
        foreach (var key in new[] { "host", "user" }) Child.Run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", folder.At(key)], []);
        var port = FreePort();
        File.WriteAllText(folder.At("sshd_config"), $"""
            Port {port}
            ListenAddress 127.0.0.1
            HostKey {folder.At("host")}
            AuthorizedKeysFile {folder.At("user.pub")}
            PermitRootLogin prohibit-password
            StrictModes no
            UsePAM no
            PidFile none

            """);
        _config = folder.At("ssh_config");
        File.WriteAllText(_config, $"""
            Host bench
                HostName 127.0.0.1
                Port {port}
                User root
                IdentityFile {folder.At("user")}
                IdentitiesOnly yes
                StrictHostKeyChecking no
                UserKnownHostsFile /dev/null
                LogLevel ERROR
                BatchMode yes
                ControlPath {folder.At("control")}

            """);
        _madeFolder = !Directory.Exists(PrivilegeSeparation);
        Directory.CreateDirectory(PrivilegeSeparation);
        _server = Child.Start("/usr/sbin/sshd", "-D", "-e", "-f", folder.At("sshd_config"));
        try
        {
            WaitFor(() => Answers(port), "sshd does not listen");
            _master = Child.Start("ssh", "-F", _config, "-M", "-N", "bench");
            WaitFor(() => File.Exists(folder.At("control")), "ssh makes no connection");
            Run("true");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Null where ssh cannot be had, and why.</summary>
    public static SshFloor? TryStart(BenchFolder folder, out string why)
    {
        why = "";
        try
        {
            if (!File.Exists("/usr/sbin/sshd") || !File.Exists("/usr/bin/ssh")) throw new BenchException("openssh-server is not installed, and a benchmark should not start such a service on a machine");
            return new SshFloor(folder);
        }
        catch (Exception e) when (e is BenchException or IOException or UnauthorizedAccessException or Runner.Linux.Processes.SpawnException)
        {
            why = e.Message;
            return null;
        }
    }

    /// <summary>A command over the standing connection, as a whole process.</summary>
    public Ran Run(string command) => Child.Run("ssh", ["-F", _config, "bench", command], []);

    public void Dispose()
    {
        _master?.Stop();
        _master?.Dispose();
        _server.Stop();
        _server.Dispose();
        if (_madeFolder) Directory.Delete(PrivilegeSeparation);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static bool Answers(int port)
    {
        try
        {
            using var client = new TcpClient("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static void WaitFor(Func<bool> done, string otherwise)
    {
        for (var begin = Measuring.Clock.Now; !done(); Thread.Sleep(10))
            if (Measuring.Clock.MillisecondsSince(begin) > 10_000) throw new BenchException(string.Create(CultureInfo.InvariantCulture, $"{otherwise} within 10 s"));
    }
}
